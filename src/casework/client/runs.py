"""What the handler of a pull agent holds while it works: the run of an agent in Python, over HTTP."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar, overload
from uuid import UUID

from casework.agents.run import HeldCase, History, Run
from casework.agents.state import RunState
from casework.client.backend import HttpBackend, held_case, history
from casework.client.drivers import AsyncDriver, Driver
from casework.client.exchange import Flow
from casework.client.leases import Lease
from casework.client.shapes import Work
from casework.core.model import Case, CaseId, LabelRef, NewCase, RunId
from casework.core.requests import Answer, Request
from casework.core.unset import UNSET

T = TypeVar("T")


class PulledRun(Run):
    """One agent's work on one case, for a plain function: the same calls, and the same rules, as in a worker.

    Each call raises `casework.client.errors.RunLost` if the run no longer holds its case, and ClientError.
    """

    @property
    def stop(self) -> bool:
        """Whether the run was asked to stop, or lost its case: for code that cannot call `check()`."""
        return self._stop.requested


def pulled_run(driver: Driver, lease: Lease, work: Work, agent_name: str) -> PulledRun:
    return PulledRun(**_held(lease, work, agent_name), backend=HttpBackend(lease, driver.perform))


def async_pulled_run(driver: AsyncDriver, lease: Lease, work: Work, agent_name: str) -> "AsyncPulledRun":
    return AsyncPulledRun(driver, lease, work, agent_name)


def _held(lease: Lease, work: Work, agent_name: str) -> dict[str, Any]:
    return {
        "id": RunId(UUID(work["run_id"])),
        "attempt": work["attempt"],
        "agent_name": agent_name,
        "case": held_case(work),
        "history": history(work),
        "stop": lease.stop,
    }


class AsyncRunState:
    """`casework.Run.state`, awaited."""

    def __init__(
        self, state: RunState, send: Callable[[], Awaitable[None]], fetched: Callable[[Any], Awaitable[Any]]
    ) -> None:
        self._state, self._send, self._fetched = state, send, fetched

    async def load(self, name: str) -> bytes | None:
        """The bytes that were saved last under that name; None if there are none."""
        found: bytes | None = await self._fetched(self._state.load(name))
        return found

    async def save(self, name: str, value: bytes) -> None:
        """Keep the bytes."""
        self._state.save(name, value)
        await self._send()

    async def names(self, prefix: str = "") -> list[str]:
        """The names that begin so, in the order of their characters."""
        found: list[str] = await self._fetched(self._state.names(prefix))
        return found

    async def delete(self, name: str) -> None:
        """Forget what is kept under that name."""
        self._state.delete(name)
        await self._send()


class AsyncPulledRun:
    """One agent's work on one case, for an `async def`: the calls of `casework.Run`, awaited."""

    def __init__(self, driver: AsyncDriver, lease: Lease, work: Work, agent_name: str) -> None:
        self._driver = driver
        self._unsent: list[Flow[Any]] = []
        self._run = PulledRun(**_held(lease, work, agent_name), backend=HttpBackend(lease, self._unsent.append))
        self.state = AsyncRunState(self._run.state, self._send, self._fetched)
        """What the run keeps for itself from attempt to attempt."""
        self.id = self._run.id
        self.attempt = self._run.attempt
        self.agent_name = agent_name

    @property
    def case(self) -> HeldCase:
        """The case, with the changes that this run made."""
        return self._run.case

    @property
    def history(self) -> History:
        """What earlier attempts of this run have recorded."""
        return self._run.history

    @property
    def stop(self) -> bool:
        """Whether the run was asked to stop, or lost its case. Its task is cancelled then."""
        return self._run.stop

    def check(self) -> None:
        """Stop here if the run was asked to stop."""
        self._run.check()

    async def sleep(self, seconds: float) -> None:
        """Wait, and stop at once if the run is asked to stop."""
        self._run.check()
        await asyncio.sleep(seconds)

    async def say(self, text: str, *, key: str | None = None) -> None:
        """Record what the agent says; see `casework.Run.say`."""
        self._run.say(text, key=key)
        await self._send()

    async def tool(
        self,
        name: str,
        arguments: Any = None,
        *,
        result: Any = UNSET,
        error: str | None = None,
        key: str | None = None,
    ) -> None:
        """Record that the agent called a tool, and what came of it; see `casework.Run.tool`."""
        self._run.tool(name, arguments, result=result, error=error, key=key)
        await self._send()

    def together(self) -> AbstractContextManager[None]:
        """Over HTTP, each thing is recorded by itself; see `casework.Run.together`."""
        return self._run.together()

    async def notice(self, text: str, *, key: str | None = None) -> None:
        """Record what people should know about this run; see `casework.Run.notice`."""
        self._run.notice(text, key=key)
        await self._send()

    async def stream(self, text: str) -> None:
        """Show a part of a text to whoever looks at the run now; see `casework.Run.stream`."""
        self._run.stream(text)
        await self._send()

    async def usage(
        self,
        *,
        input_tokens: int = 0,
        output_tokens: int = 0,
        requests: int = 0,
        cost: float = 0.0,
        model: str | None = None,
        key: str | None = None,
    ) -> None:
        """Add to what the run has used; see `casework.Run.usage`."""
        self._run.usage(
            input_tokens=input_tokens, output_tokens=output_tokens, requests=requests, cost=cost, model=model, key=key
        )
        await self._send()

    async def ask(
        self, question: str, *, options: Sequence[str] = (), description: str | None = None, key: str | None = None
    ) -> str:
        """Ask a person. The run ends for now and, once answered, starts again and gets the answer here."""
        return await self._answered(lambda: self._run.ask(question, options=options, description=description, key=key))

    async def approve(self, title: str, description: str | None = None, *, key: str | None = None) -> bool:
        """Ask a person for approval; True if it was given."""
        return await self._answered(lambda: self._run.approve(title, description, key=key))

    async def form(
        self,
        title: str,
        schema: Mapping[str, Any],
        *,
        description: str | None = None,
        assignees: Sequence[str] = (),
        key: str | None = None,
    ) -> Any:
        """Ask a person for a value that fits the JSON Schema (2020-12)."""
        return await self._answered(
            lambda: self._run.form(title, schema, description=description, assignees=assignees, key=key)
        )

    async def request(self, request: Request) -> Answer:
        """Make a request to people, and return what they answered."""
        return await self._answered(lambda: self._run.request(request))

    async def request_all(self, requests: Sequence[Request]) -> list[Answer]:
        """Make several requests in one wait: the run goes on when all of them are answered."""
        return await self._answered(lambda: self._run.request_all(requests))

    async def _answered(self, ask: Callable[[], T]) -> T:
        """What `ask` returns or raises, once the notices that it wrote are sent."""
        try:
            return ask()
        finally:
            await self._send()

    @overload
    async def step(self, name: str, do: Callable[[], Awaitable[T]]) -> T: ...
    @overload
    async def step(self, name: str, do: Callable[[], T]) -> T: ...
    async def step(self, name: str, do: Callable[[], Any]) -> Any:
        """Do something once, however often the run is resumed; `do` may be async. Its result must be JSON."""
        value: Any = self._run.step(name, do)
        if inspect.isawaitable(value):
            value = await value
        await self._send()
        return value

    async def update(
        self,
        *,
        title: str | None = None,
        data: Any = UNSET,
        priority: str | None = None,
        labels: Sequence[LabelRef | Mapping[str, Any]] | None = None,
    ) -> None:
        """Change the case; see `casework.Run.update`."""
        self._run.update(title=title, data=data, priority=priority, labels=labels)
        await self._send()

    async def add_cases(self, cases: Sequence[NewCase | Mapping[str, Any]], queue: str | None = None) -> list[CaseId]:
        """Create cases once, in that queue or in the queue of this case. Returns the ids of the new ones."""
        return await self._fetched(self._run.add_cases(cases, queue))

    async def list_cases(
        self,
        queue: str | None = None,
        *,
        status: Sequence[str] = (),
        title_contains: str | None = None,
        limit: int = 100,
    ) -> list[Case]:
        """Cases of a queue, newest first. The key needs the right to read."""
        return await self._fetched(
            self._run.list_cases(queue, status=status, title_contains=title_contains, limit=limit)
        )

    async def _send(self) -> None:
        """Send what the call wrote. Between the call and here nothing is awaited, so it is this call's own."""
        unsent, self._unsent[:] = [*self._unsent], []
        for flow in unsent:
            await self._driver.perform(flow)

    async def _fetched(self, value: T) -> T:
        """What the API answers to the call; the call's own value if that was on record."""
        if not self._unsent:
            return value
        fetched: T = await self._driver.perform(self._unsent.pop())
        return fetched
