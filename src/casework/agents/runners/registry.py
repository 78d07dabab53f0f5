"""How an agent is run, for each kind that workers run: the port and its implementations.

To add a way of running agents, write a module with a `Runner` beside this one and register it in `RUNNERS`. The package itself
imports none of them: a client of the API needs only the one for Python, and none of what commands need.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from casework.agents.results import Result
from casework.agents.run import Run
from casework.agents.runners.command import CommandRunner
from casework.agents.runners.python import PythonRunner
from casework.agents.stop import Stop
from casework.core.model import AgentKind
from casework.errors import InvalidInput

if TYPE_CHECKING:
    from casework.settings import Settings


class Runner(Protocol):
    """Runs one agent. The kind of an agent says which runner, its target what the runner has to run."""

    target_pattern: ClassVar[str]
    """A regular expression that the targets match."""

    @classmethod
    def check(cls, target: str, settings: "Settings") -> None:
        """Raise InvalidInput if there cannot be such a target, and TargetNotAllowed if the settings forbid it.

        Nothing is imported or started.
        """

    @classmethod
    def load(cls, target: str, settings: "Settings") -> Self:
        """Find what is to be run. Raises InvalidInput, also if this process lacks it, and TargetNotAllowed."""

    def call(self, run: Run, stop: Stop) -> Result:
        """Run the agent and wait for its end. However it ends is a result: nothing is raised."""


RUNNERS: Mapping[str, type[Runner]] = {
    AgentKind.PYTHON: PythonRunner,
    AgentKind.COMMAND: CommandRunner,
}


def check(kind: str, target: str | None, settings: "Settings") -> None:
    """Raise InvalidInput or TargetNotAllowed if an agent of that kind cannot have that target."""
    if kind not in RUNNERS:
        if target is not None:
            raise InvalidInput(f"A {kind} agent has no target: it asks for work itself.")
    elif target is None:
        raise InvalidInput(f"A {kind} agent needs a target.")
    else:
        RUNNERS[kind].check(target, settings)


def load(kind: str, target: str, settings: "Settings") -> Runner:
    """The runner of an agent. Raises InvalidInput and TargetNotAllowed."""
    if kind not in RUNNERS:
        raise InvalidInput(f"This version of casework cannot run an agent of kind {kind!r}.")
    return RUNNERS[kind].load(target, settings)
