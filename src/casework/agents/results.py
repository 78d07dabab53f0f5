"""The possible results of calling an agent: everything that a runner reports."""

from dataclasses import dataclass

from casework.agents.outcomes import Outcome
from casework.agents.stop import Suspended


@dataclass(frozen=True, slots=True)
class Returned:
    """The agent returned an outcome."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Asked:
    """The agent waits for people."""

    wait: Suspended


@dataclass(frozen=True, slots=True)
class Stopped:
    """The agent stopped because it, or its process, was asked to."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The agent tried to write although the run no longer holds its case."""


@dataclass(frozen=True, slots=True)
class Crashed:
    """The agent raised an error, or returned no outcome."""

    reason: str
    traceback: str | None
    transient: bool
    """Whether another attempt may succeed."""
    retry_after: float | None = None
    """Seconds to wait, if a service that the agent called asked for it."""


Result = Returned | Asked | Stopped | Lost | Crashed
