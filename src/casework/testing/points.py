"""The points of an agent at which its test stops it, releases it, or kills its process."""

import inspect
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import wraps
from typing import Any

from casework.agents import Run
from casework.core.names import check_fields
from casework.errors import InvalidInput

CALLS = tuple(name for name, _ in inspect.getmembers(Run, inspect.isfunction) if not name.startswith("_"))
"""What an agent can call on its run."""


class Act(StrEnum):
    """What happens to the agent at a point."""

    STOP = "stop"
    RELEASE = "release"
    KILL = "kill"


class Killed(BaseException):
    """The process is gone. The agent's clean-up sees this, and nothing that it does from then on counts."""


class Points:
    """The points of one test, each of which is reached once, and how often the agent did what."""

    def __init__(
        self,
        calls: dict[Act, str | None],
        *,
        kill_in_step: str | Collection[str],
        kill_after_step: str | Collection[str],
    ) -> None:
        self.happens: Callable[[Act], object]
        """Called at a point; each attempt sets it."""
        self._due = {_call(text): act for act, text in calls.items() if text is not None}
        self._in_steps, self._after_steps = _names(kill_in_step), _names(kill_after_step)
        self._calls: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        """How often each step was done."""

    def at_call(self, name: str) -> None:
        """The agent makes this call, which has done nothing yet."""
        self._calls[name] += 1
        if act := self._due.pop((name, self._calls[name]), None):
            self.happens(act)

    def in_step(self, name: str) -> None:
        """The agent has done this step, which is not recorded."""
        self.done[name] += 1
        self._kill(self._in_steps, name)

    def after_step(self, name: str) -> None:
        """The result of this step is recorded."""
        self._kill(self._after_steps, name)

    def _kill(self, steps: set[str], name: str) -> None:
        if name in steps:
            steps.remove(name)
            self.happens(Act.KILL)

    def check_reached(self) -> None:
        """Raise InvalidInput for a point that the agent did not come to: its test would show nothing."""
        for (name, number), act in self._due.items():
            made = self._calls[name]
            raise InvalidInput(f"{act}_at: the agent called run.{name} {made} times, and this would be call {number}.")
        for name in sorted(self._in_steps | self._after_steps):
            done = ", ".join(map(repr, self.done)) or "none"
            raise InvalidInput(f"The agent was to be killed at the step {name!r}, which it did not do; it did {done}.")


def _call(text: str) -> tuple[str, int]:
    """A call, from "say" for the first or "say:2" for the second. Raises InvalidInput."""
    found = re.fullmatch(r"(\w+)(?::([1-9]\d{0,8}))?", text, re.ASCII)
    if not found:
        raise InvalidInput(f'A point is a call on the run, and which one, as in "say:2" (got {text!r}).')
    check_fields([found[1]], CALLS, "call on the run")
    return found[1], int(found[2] or 1)


def _names(given: str | Collection[str]) -> set[str]:
    return {given} if isinstance(given, str) else set(given)


_inside: ContextVar[bool] = ContextVar("casework_testing_inside", default=False)
"""Whether a call on the run is at work: what it calls itself is not the agent's."""


class WatchedRun(Run):
    """A run that says at which point its agent is."""

    points: Points
    is_dead = False

    def step(self, name: str, do: Callable[[], Any]) -> Any:
        return super().step(name, _counted(self, name, do))

    def at_call(self, name: str) -> None:
        self.check_lives()
        self.points.at_call(name)

    def in_step(self, name: str) -> None:
        self.check_lives()
        self.points.in_step(name)

    def check_lives(self) -> None:
        """Other tasks of a killed agent would go on: the event loop is not its own."""
        if self.is_dead:
            raise Killed


def _counted(run: WatchedRun, name: str, do: Callable[[], Any]) -> Callable[[], Any]:
    """The function of a step, which says when it is done. It is async if the other is."""

    async def finish(value: Awaitable[Any]) -> Any:
        result = await value
        run.in_step(name)
        return result

    async def done_async() -> Any:
        return await finish(do())

    def done() -> Any:
        with _setting(False):
            value = do()
        if inspect.isawaitable(value):
            return finish(value)
        run.in_step(name)
        return value

    return done_async if inspect.iscoroutinefunction(do) else done


@contextmanager
def _setting(inside: bool) -> Iterator[None]:
    token = _inside.set(inside)
    try:
        yield
    finally:
        _inside.reset(token)


def _watched(name: str) -> Callable[..., Any]:
    original = getattr(WatchedRun, name)

    @wraps(original)
    def call(self: WatchedRun, *args: Any, **kwargs: Any) -> Any:
        if _inside.get():
            return original(self, *args, **kwargs)
        with _setting(True):
            self.at_call(name)
            return original(self, *args, **kwargs)

    return call


for _name in CALLS:
    setattr(WatchedRun, _name, _watched(_name))
