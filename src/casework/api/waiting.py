"""Claims that wait for a case. One query serves all that wait in this process."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from casework.core.model import AgentId
from casework.service import pull
from casework.service.pull import PulledRun
from casework.store.keys import StoredKey
from casework.wiring import Casework

POLL_SECONDS = 0.2


@dataclass(eq=False, slots=True)
class Waiter:
    """One claim that waits."""

    key: StoredKey
    agent_id: AgentId
    worker: str
    permitted: Collection[AgentId] | None
    found: "asyncio.Future[PulledRun | None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    served: bool = False
    """A case is being claimed for it. The result is delivered even if the waiting time ends meanwhile."""
    over: bool = False


class WaitingClaims:
    """The claims of one process that wait, the longest first for each agent."""

    def __init__(self, casework: Casework, most_of_key: int) -> None:
        self._casework = casework
        self._most_of_key = most_of_key
        self._waiting: dict[AgentId, deque[Waiter]] = defaultdict(deque)
        self._of_key: Counter[UUID] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self.ending: Callable[[], bool] = lambda: False
        """Whether the server is about to stop; claims then end their wait."""

    async def wait(self, waiter: Waiter, seconds: float, request: Request) -> PulledRun | None:
        """Wait for a case; None if none came in time, or if the client went away. Raises HTTPException 429."""
        if self._of_key[waiter.key.id] >= self._most_of_key:
            message = f"{self._most_of_key} claims of this key are waiting already."
            raise HTTPException(429, message, {"retry-after": "1"})
        self._of_key[waiter.key.id] += 1
        self._waiting[waiter.agent_id].append(waiter)
        gone = asyncio.ensure_future(_disconnected(request))
        try:
            self._look()
            await asyncio.wait((waiter.found, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            waiter.over = True
            return await waiter.found if waiter.served or waiter.found.done() else None
        finally:
            gone.cancel()
            self._leave(waiter)

    def _leave(self, waiter: Waiter) -> None:
        self._of_key[waiter.key.id] -= 1
        self._of_key += Counter()
        with suppress(ValueError):
            self._waiting[waiter.agent_id].remove(waiter)
        if not self._waiting[waiter.agent_id]:
            del self._waiting[waiter.agent_id]

    def _look(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look_while_waited_for())

    async def _look_while_waited_for(self) -> None:
        while self._waiting:
            await asyncio.sleep(POLL_SECONDS)
            if self.ending():
                self._send_away()
                continue
            try:
                ready = await run_in_threadpool(pull.with_work, self._casework.db, list(self._waiting))
            except Exception as error:
                self._fail(error)
                continue
            for agent_id in ready:
                await self._serve(agent_id)

    def _send_away(self) -> None:
        for waiter in [waiter for line in self._waiting.values() for waiter in line]:
            if not waiter.found.done():
                waiter.found.set_result(None)

    def _fail(self, error: Exception) -> None:
        for waiter in [waiter for line in self._waiting.values() for waiter in line]:
            if not waiter.found.done():
                waiter.found.set_exception(error)

    async def _serve(self, agent_id: AgentId) -> None:
        """Claim cases for the waiting claims, one after the other, until there is nothing left to claim."""
        while waiter := next((one for one in self._waiting.get(agent_id, ()) if not one.found.done()), None):
            waiter.served = True
            try:
                work = await run_in_threadpool(
                    pull.claim,
                    self._casework.db,
                    waiter.key.team_id,
                    waiter.agent_id,
                    waiter.worker,
                    waiter.permitted,
                )
            except Exception as error:
                if not waiter.found.done():
                    waiter.found.set_exception(error)
                continue
            waiter.served = False
            if not waiter.found.done() and (work is not None or waiter.over):
                waiter.found.set_result(work)
            if work is None:
                return


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
