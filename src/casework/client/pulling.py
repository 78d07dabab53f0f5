"""Pull agents: claim, work with heartbeats in the background, report the outcome."""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, cast
from urllib.parse import quote
from uuid import UUID

from casework.agents.decorator import Agent, AgentFunction
from casework.agents.failures import result_of
from casework.agents.outcomes import Outcome
from casework.agents.results import Result, Stopped
from casework.agents.runners.python import PythonRunner, result_of_value
from casework.agents.stop import Interrupted, Stop
from casework.client.errors import PASSING
from casework.client.exchange import Flow, Pause, Request, call
from casework.client.leases import Lease
from casework.client.operations import Operations
from casework.client.runs import AsyncPulledRun, PulledRun, async_pulled_run, pulled_run
from casework.client.shapes import Work
from casework.client.signals import SignalledStop, Signals
from casework.core.transient import leaves
from casework.errors import InvalidInput

if TYPE_CHECKING:
    from casework.client.client import AsyncClient, Client

log = logging.getLogger("casework.client")

Handler = Callable[[PulledRun], Outcome] | Agent
AsyncHandler = Callable[[AsyncPulledRun], Awaitable[Outcome]] | Agent

WAIT_SECONDS = 30
"""How long a claim waits for a case: as long as the API lets it."""

JOIN_SECONDS = 5.0
"""How long a heartbeat that is under way may keep the end of its run waiting."""


def _worker() -> str:
    """This process, as people see it."""
    return f"{socket.gethostname()}-{os.getpid()}"[:200]


def _claim(api: Operations, agent: str, worker: str, until_idle: bool) -> Flow[Work | None]:
    """Claim a case; None if there is none. An agent that works on outlasts an API that is away."""
    wait = 0 if until_idle else WAIT_SECONDS
    body = {"wait_seconds": wait, "worker": worker}
    request = Request("POST", f"/agents/{quote(agent, safe='')}/claim", body, timeout=wait + 30.0)
    try:
        return cast(Work | None, (yield from call(request, api.retries)))
    except PASSING as error:
        if until_idle:
            raise
        log.warning("The agent %s cannot claim now, and tries again: %s", agent, error)
        yield Pause(api.retries.pause(3, error))
        return None


class PullAgent:
    """An agent that this program is, one case at a time. Made by `Client.agent`."""

    def __init__(self, client: "Client", agent: str | UUID) -> None:
        self._client, self._agent = client, str(agent)
        self._stopping = False
        self._lease: Lease | None = None

    def work(self, handler: Handler, *, until_idle: bool = False, worker: str | None = None) -> int:
        """Claim cases and call `handler(run)` for each, until `stop()` or a signal. Returns how many runs ended.

        What the handler returns or raises becomes the outcome, by the rules of agents in Python. With `until_idle`, return as
        soon as a claim finds no case. `worker` is the name of this process for people. In the main thread, Ctrl-C and SIGTERM
        release the run; then the signal does what it would have done. Raises InvalidInput for an async handler, and
        ApiError if the API refuses the key or the agent.
        """
        runner, worker, ended = _runner(handler), worker or _worker(), 0
        self._stopping = False
        with Signals(self._note_signal) as signals:
            while not self._stopping:
                if (work := self._next(signals, worker, until_idle)) is not None:
                    self._work_on(work, runner, SignalledStop(signals), signals)
                    ended += 1
                elif until_idle:
                    break
        return ended

    def stop(self) -> None:
        """From another thread: ask the run to stop, and let `work` return after its end or after the current claim."""
        self._stopping = True
        if (lease := self._lease) is not None:
            lease.stop.request()

    def _note_signal(self) -> None:
        self._stopping = True

    def _next(self, signals: Signals, worker: str, until_idle: bool) -> Work | None:
        work: Work | None = None
        with suppress(Interrupted), signals.interrupting():
            work = self._client.perform(_claim(self._client, self._agent, worker, until_idle))
        return work

    def _work_on(self, work: Work, runner: PythonRunner, stop: Stop, signals: Signals) -> None:
        lease = Lease(self._client, work, stop)
        self._lease = lease
        if self._stopping:
            stop.request()
        try:
            with _heartbeats(self._client, lease):
                result: Result = Stopped()
                with suppress(Interrupted), signals.interrupting():
                    result = runner.call(pulled_run(self._client, lease, work, self._agent), stop)
                ended = self._client.perform(lease.end(result))
        finally:
            self._lease = None
        log.info("The run %s of the agent %s ended: %s", lease.run_id, self._agent, ended)


def _runner(handler: Handler) -> PythonRunner:
    # Its runs are PulledRuns, each a Run: what takes the one is called with nothing else.
    agent = handler if isinstance(handler, Agent) else Agent(cast(AgentFunction, handler))
    if agent.is_async:
        raise InvalidInput("The handler is async: use `AsyncClient(url, key).agent(...).work(handler)`.")
    return PythonRunner(agent)


@contextmanager
def _heartbeats(client: "Client", lease: Lease) -> Iterator[None]:
    """Within this block, a thread sends heartbeats."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(lease.pause) and client.perform(lease.beat()):
            pass

    thread = threading.Thread(target=beat, name="casework-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(JOIN_SECONDS)


class AsyncPullAgent:
    """An agent that this program is, with many cases at once. Made by `AsyncClient.agent`."""

    def __init__(self, client: "AsyncClient", agent: str | UUID) -> None:
        self._client, self._agent = client, str(agent)
        self._stopping = False
        self._claiming: asyncio.Task[Work | None] | None = None
        self._leases: set[Lease] = set()

    async def work(
        self, handler: AsyncHandler, *, concurrency: int = 1, until_idle: bool = False, worker: str | None = None
    ) -> int:
        """Claim cases and call `await handler(run)` for each, up to `concurrency` at once, until `stop()` or a signal. Returns
        how many runs ended.

        A run that is asked to stop is cancelled at its next `await`. Otherwise as `PullAgent.work`. If `work` itself is
        cancelled, its runs are released.
        """
        if not _is_async(handler):
            raise InvalidInput("The handler is not async: use `Client(url, key).agent(...).work(handler)`.")
        if concurrency < 1:
            raise InvalidInput(f"The concurrency is at least 1 (got {concurrency}).")
        worker, self._stopping = worker or _worker(), False
        loop, free, ended = asyncio.get_running_loop(), asyncio.Semaphore(concurrency), 0
        try:
            with Signals(lambda: loop.call_soon_threadsafe(self.stop)):
                async with asyncio.TaskGroup() as runs:
                    while not self._stopping:
                        await free.acquire()
                        work = await self._next(worker, until_idle)
                        if work is not None:
                            runs.create_task(self._work_on(work, handler)).add_done_callback(lambda _: free.release())
                            ended += 1
                        elif until_idle:
                            break
                        else:
                            free.release()
        except ExceptionGroup as group:
            raise leaves(group)[0] from group
        return ended

    def stop(self) -> None:
        """Ask all runs to stop, and let `work` return when they have."""
        self._stopping = True
        if self._claiming is not None:
            self._claiming.cancel()
        for lease in self._leases:
            lease.stop.request()

    async def _next(self, worker: str, until_idle: bool) -> Work | None:
        if self._stopping:
            return None
        claim = self._client.perform(_claim(self._client, self._agent, worker, until_idle))
        self._claiming = claiming = asyncio.ensure_future(claim)
        try:
            return await claiming
        except asyncio.CancelledError:
            if self._stopping and not _is_cancelled():
                return None
            raise
        finally:
            self._claiming = None

    async def _work_on(self, work: Work, handler: AsyncHandler) -> None:
        lease = Lease(self._client, work, Stop())
        self._leases.add(lease)
        if self._stopping:
            lease.stop.request()
        beating = asyncio.create_task(self._beat(lease))
        try:
            result, cancelled = await _called(handler, async_pulled_run(self._client, lease, work, self._agent), lease)
            ended = await self._client.perform(lease.end(result))
        finally:
            self._leases.discard(lease)
            beating.cancel()
        log.info("The run %s of the agent %s ended: %s", lease.run_id, self._agent, ended)
        if cancelled:
            raise asyncio.CancelledError

    async def _beat(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(lease.pause)
            if not await self._client.perform(lease.beat()):
                return


def _is_async(handler: object) -> bool:
    if isinstance(handler, Agent):
        return handler.is_async
    return iscoroutinefunction(handler) or iscoroutinefunction(getattr(handler, "__call__", None))  # noqa: B004


def _is_cancelled() -> bool:
    """Whether somebody cancelled the current task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _called(handler: AsyncHandler, run: AsyncPulledRun, lease: Lease) -> tuple[Result, bool]:
    """Call the handler and wait until it has unwound. Returns its result, and whether this task was cancelled meanwhile."""

    async def body() -> Result:
        try:
            # An Agent too is called with the run that it gets here.
            called = cast(Callable[[AsyncPulledRun], Awaitable[Outcome]], handler)
            return result_of_value(await called(run))
        except BaseException as error:
            return result_of(error, lease.stop)

    task, cancelled = asyncio.ensure_future(body()), False
    lease.stop.on_request(task.cancel)
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
            lease.stop.request()
    return (Stopped() if task.cancelled() else task.result()), cancelled
