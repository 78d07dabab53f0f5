"""Running a function that is marked with `@agent`, plain or async."""

from collections.abc import Awaitable
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from casework.agents import targets
from casework.agents.decorator import Agent
from casework.agents.failures import result_of
from casework.agents.outcomes import Complete, Fail, HandOver, Postpone
from casework.agents.results import Crashed, Result, Returned
from casework.agents.run import Run
from casework.agents.runners.event_loop import run_on_shared_loop
from casework.agents.stop import Stop
from casework.core.payload import check_text
from casework.errors import InvalidInput

if TYPE_CHECKING:
    from casework.settings import Settings


class PythonRunner:
    """Calls a function: a plain one in the thread of its caller, an async one on the event loop of the process."""

    target_pattern: ClassVar[str] = targets.PATTERN

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    @classmethod
    def check(cls, target: str, settings: "Settings") -> None:
        targets.check_allowed(target, settings.modules)

    @classmethod
    def load(cls, target: str, settings: "Settings") -> Self:
        return cls(_loaded(target, settings.modules))

    def call(self, run: Run, stop: Stop) -> Result:
        try:
            return result_of_value(self._returned(run, stop))
        except BaseException as error:
            return result_of(error, stop)

    def _returned(self, run: Run, stop: Stop) -> Any:
        if self._agent.is_async:
            return run_on_shared_loop(lambda: cast(Awaitable[Any], self._agent(run)), stop)
        return self._agent(run)


@cache
def _loaded(target: str, modules: tuple[str, ...]) -> Agent:
    """Looked for once in a process, unless it was not found."""
    return targets.load(target, modules)


def result_of_value(returned: Any) -> Returned | Crashed:
    """The result of an agent that returned this."""
    if isinstance(returned, Complete | Fail | Postpone | HandOver):
        return _checked(returned)
    if returned is None:
        return Crashed(
            "The agent returned no outcome: every branch must return Complete, Fail, Postpone or HandOver.", None, False
        )
    return Crashed(f"The agent returned {type(returned).__name__} instead of an outcome.", None, False)


def _checked(outcome: Complete | Fail | Postpone | HandOver) -> Returned | Crashed:
    """Finds what cannot be stored before the outcome shares a statement with others."""
    try:
        if outcome.reason is not None:
            check_text("reason", outcome.reason)
        if isinstance(outcome, HandOver):
            check_text("agent to hand over to", outcome.to)
    except InvalidInput as error:
        return Crashed(f"The agent returned {type(outcome).__name__}, but it cannot be stored: {error}", None, False)
    return Returned(outcome)
