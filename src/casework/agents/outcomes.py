"""What an agent returns. Values and not exceptions: a type checker proves that every branch ends in one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.core.duration import parse_when


@dataclass(frozen=True, slots=True)
class Complete:
    """The work is done."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """The work cannot be done."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postpone:
    """The case comes back later, to a new run: after "2h", "1d 12h" or a timedelta, or at an aware moment.

    Raises InvalidInput for anything else.
    """

    until: str | timedelta | datetime
    reason: str | None = None

    def __post_init__(self) -> None:
        parse_when(self.until)

    @property
    def moment(self) -> timedelta | datetime:
        """The span from now, or the moment in UTC."""
        return parse_when(self.until)


@dataclass(frozen=True, slots=True)
class HandOver:
    """The case goes to another agent, by name or id, which must be a consumer of the queue."""

    to: str
    reason: str | None = None


Outcome = Complete | Fail | Postpone | HandOver
