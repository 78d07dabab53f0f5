"""The event loop of a process, which its async agents share.

No agent ends it for the others. What an agent raises leaves its task as a value. A loop that a stray task stops is run
again. A loop that was closed is replaced, and the agents that ran on it fail instead of waiting forever. A loop that is
blocked by an agent whose time is over is given up: the others that wait on it are released, and later ones get a new loop.

What an agent calls in a thread of the loop's pool, as `asyncio.to_thread` and frameworks do with plain functions, nothing can
end. So an agent that is asked to stop has stopped when those have returned, and not before: its case may go to another.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from time import monotonic
from typing import Any

from casework import events
from casework.agents.stop import Interrupted, Stop
from casework.errors import Transient

ANSWER_SECONDS = 1.0
"""A loop that does nothing for longer is blocked."""

_owner: ContextVar[object | None] = ContextVar("casework_agent", default=None)
"""The agent that code on the loop belongs to: tasks and callbacks inherit it from what makes them."""


@dataclass(frozen=True, slots=True)
class _Raised:
    """What an agent raised. Raised out of a task, SystemExit and KeyboardInterrupt would leave the loop too."""

    error: BaseException


class _OwnedTask(asyncio.Task[Any]):
    """A task of an agent's."""

    def __init__(self, body: Any, *, context: Context | None = None, **options: Any) -> None:
        self.owner = _owner.get() if context is None else context.get(_owner)
        super().__init__(body, context=context, **options)


def _make_task(loop: asyncio.AbstractEventLoop, body: Any, **options: Any) -> asyncio.Task[Any]:
    return _OwnedTask(body, loop=loop, **options)


class _AgentTask(_OwnedTask):
    """An agent's main task. Its own code and a stop cancel it; another agent that cancels all tasks does not."""

    def __init__(self, body: Coroutine[Any, Any, None], owner: object, loop: asyncio.AbstractEventLoop) -> None:
        context = copy_context()
        context.run(_owner.set, owner)
        super().__init__(body, loop=loop, context=context)

    def cancel(self, msg: Any | None = None) -> bool:
        return _owner.get() in (None, self.owner) and super().cancel(msg)


class _Threads(ThreadPoolExecutor):
    """The loop's pool of threads. It knows which agent has what running there."""

    def __init__(self) -> None:
        super().__init__(thread_name_prefix="casework-agents")
        self._running: dict[Future[Any], object | None] = {}

    def submit(self, function: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        future = super().submit(function, *args, **options)
        if (owner := _owner.get()) is not None:
            self._running[future] = owner
            future.add_done_callback(lambda done: self._running.pop(done, None))
        return future

    def of(self, owner: object) -> list[Future[Any]]:
        """What runs for that agent."""
        return [future for future, its in list(self._running.items()) if its is owner and not future.done()]


class _SharedLoop:
    """An event loop with its own thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.set_task_factory(_make_task)
        self.threads = _Threads()
        self._loop.set_default_executor(self.threads)
        self._lock = threading.Lock()
        self._calls: dict[Future[Any], Stop] = {}
        self._ended = self._given_up = False
        self._answered = threading.Event()
        self._answered.set()
        self._asked = 0.0
        self._thread = threading.Thread(target=self._serve, name="casework-agents", daemon=True)
        self._thread.start()

    @property
    def serves(self) -> bool:
        """Whether the loop can take calls: not after it was closed or given up, and not in a child process that was forked
        later."""
        return self._thread.is_alive() and not (self._ended or self._given_up) and not self._loop.is_closed()

    def enter(self, call: Future[Any], stop: Stop) -> bool:
        """Make a call one of the loop's. False if the loop takes none any more."""
        with self._lock:
            if self._ended or self._given_up:
                return False
            self._calls[call] = stop
        stop.on_overstay(lambda: self._overstay(call))
        return True

    def run(self, agent: Callable[[], Awaitable[Any]], stop: Stop, call: Future[Any]) -> Any:
        """Call the agent on the loop and wait for it; a stop cancels it, and the call returns once it has unwound."""
        try:
            self._post(lambda: self._begin(agent, stop, call))
            ended = call.result()
            if stop.requested and not self._given_up:
                wait(self.threads.of(call))
        finally:
            with self._lock:
                self._calls.pop(call, None)
        if isinstance(ended, _Raised):
            raise ended.error
        return ended

    def _begin(self, agent: Callable[[], Awaitable[Any]], stop: Stop, call: Future[Any]) -> None:
        async def body() -> None:
            try:
                _answer(call, await agent())
            except BaseException as error:
                _answer(call, _Raised(error))

        task = _AgentTask(body(), call, self._loop)
        # Cancelled before its first step, the task never gets to its body.
        task.add_done_callback(lambda _: _answer(call, _Raised(asyncio.CancelledError())))
        stop.on_request(lambda: self._post(task.cancel))

    def _overstay(self, call: Future[Any]) -> None:
        """If the loop is blocked, free the threads that wait for it, except for the one whose agent blocks it."""
        if self._given_up or not self._is_blocked():
            return
        if getattr(asyncio.current_task(self._loop), "owner", None) not in (None, call):
            # Another agent blocks it, and may do so. The run of this one is over.
            _answer(call, _Raised(Interrupted()))
            return
        with self._lock:
            self._given_up = True
            others = [(other, stop) for other, stop in self._calls.items() if other is not call]
        events.emit(events.AgentLoopDisturbed("blocked", f"it is given up; {len(others)} other runs are released"))
        for other, stop in others:
            stop.request()
            _answer(other, _Raised(Interrupted()))

    def _is_blocked(self) -> bool:
        """Whether the loop has left a question open for long. If none is open, ask one, for the next time."""
        if self._answered.is_set():
            self._answered.clear()
            self._asked = monotonic()
            self._post(self._answered.set)
            return False
        return monotonic() - self._asked > ANSWER_SECONDS

    def _post(self, act: Callable[[], object]) -> None:
        # A loop that was closed has failed its calls, or is about to.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(act)

    def _serve(self) -> None:
        while not self._loop.is_closed():
            try:
                self._loop.run_forever()
                events.emit(events.AgentLoopDisturbed("stopped", "an agent stopped it"))
            except RuntimeError as error:
                events.emit(events.AgentLoopDisturbed("closed", str(error)))
                break
            except BaseException as error:
                # A task that an agent left behind raised this; the other agents are not affected.
                events.emit(events.AgentLoopDisturbed("left", type(error).__name__))
        with self._lock:
            self._ended = True
            left = list(self._calls)
        for call in left:
            _answer(call, _Raised(_loop_ended()))
        with suppress(RuntimeError):
            self._loop.close()


def _answer(call: Future[Any], ended: Any) -> None:
    """Give the call its result, unless it has one."""
    with suppress(InvalidStateError):
        call.set_result(ended)


def _loop_ended() -> Transient:
    return Transient("The event loop that the async agents of this process share was closed by one of them.")


_loops: list[_SharedLoop] = []
_replacing = threading.Lock()


def running_threads() -> list[Future[Any]]:
    """What the agent that calls has running in threads of the shared loop. Nothing, on another loop."""
    owner = _owner.get()
    return [] if owner is None else [future for loop in list(_loops) for future in loop.threads.of(owner)]


def run_on_shared_loop(agent: Callable[[], Awaitable[Any]], stop: Stop) -> Any:
    """Call an async function on the loop of this process, and return or raise what it does."""
    call: Future[Any] = Future()
    while not (loop := _serving()).enter(call, stop):
        pass
    return loop.run(agent, stop, call)


def _serving() -> _SharedLoop:
    with _replacing:
        if not (_loops and _loops[-1].serves):
            _loops[:] = [_SharedLoop()]
        return _loops[-1]
