"""The event loop of a process, which its async agents share.

No agent ends it for the others. What an agent raises leaves its task as a value. A loop that a stray task stops is run
again. A loop that was closed is replaced, and the agents that ran on it fail instead of waiting forever.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from typing import Any

from casework import events
from casework.agents.stop import Stop
from casework.errors import Transient

_owner: ContextVar[object | None] = ContextVar("casework_agent", default=None)
"""The agent that code on the loop belongs to: tasks and callbacks inherit it from what makes them."""


@dataclass(frozen=True, slots=True)
class _Raised:
    """What an agent raised. Raised out of a task, SystemExit and KeyboardInterrupt would leave the loop too."""

    error: BaseException


class _AgentTask(asyncio.Task[None]):
    """An agent's main task. Its own code and a stop cancel it; another agent that cancels all tasks does not."""

    def __init__(self, body: Coroutine[Any, Any, None], owner: object, loop: asyncio.AbstractEventLoop) -> None:
        self._agent = owner
        context = copy_context()
        context.run(_owner.set, owner)
        super().__init__(body, loop=loop, context=context)

    def cancel(self, msg: Any | None = None) -> bool:
        return _owner.get() in (None, self._agent) and super().cancel(msg)


class _SharedLoop:
    """An event loop with its own thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._calls: set[Future[Any]] = set()
        self._ended = False
        self._thread = threading.Thread(target=self._serve, name="casework-agents", daemon=True)
        self._thread.start()

    @property
    def serves(self) -> bool:
        """Whether the loop can take calls: not after it was closed, and not in a child process that was forked
        later."""
        return self._thread.is_alive() and not self._ended and not self._loop.is_closed()

    def run(self, agent: Callable[[], Awaitable[Any]], stop: Stop) -> Any:
        """Call the agent on the loop and wait for it; a stop cancels it, and the call returns once it has unwound."""
        call: Future[Any] = Future()
        with self._lock:
            if self._ended:
                raise _loop_ended()
            self._calls.add(call)
        try:
            self._post(lambda: self._begin(agent, stop, call))
            ended = call.result()
        finally:
            with self._lock:
                self._calls.discard(call)
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


def run_on_shared_loop(agent: Callable[[], Awaitable[Any]], stop: Stop) -> Any:
    """Call an async function on the loop of this process, and return or raise what it does."""
    with _replacing:
        if not (_loops and _loops[-1].serves):
            _loops[:] = [_SharedLoop()]
        loop = _loops[-1]
    return loop.run(agent, stop)
