"""What happens to cases and runs."""

import logging
from dataclasses import dataclass
from uuid import UUID

from casework.events.seam import Event


@dataclass(frozen=True, slots=True)
class CasesClaimed(Event):
    """A tick claimed cases for agents."""

    action = "cases.claimed"
    level = logging.DEBUG
    count: int


@dataclass(frozen=True, slots=True)
class TickFailed(Event):
    """A tick found a server unavailable; the next one tries again."""

    action = "tick.failed"
    level = logging.WARNING
    error: str


@dataclass(frozen=True, slots=True)
class RunLost(Event):
    """A worker fell silent, and the sweep took its run away."""

    action = "run.lost"
    level = logging.WARNING
    run: UUID
    attempt: int
    worker: str | None


@dataclass(frozen=True, slots=True)
class RunFencedOut(Event):
    """A run did not stop within the grace, and the sweep took its case away."""

    action = "run.fenced_out"
    level = logging.WARNING
    run: UUID
    attempt: int
    worker: str | None


@dataclass(frozen=True, slots=True)
class RunTimedOut(Event):
    """A run took longer than its agent's time limit: its case failed, and it was asked to stop."""

    action = "run.timed_out"
    level = logging.WARNING
    run: UUID
    attempt: int
    worker: str | None


@dataclass(frozen=True, slots=True)
class RequestExpired(Event):
    """Nobody answered a request in time."""

    action = "request.expired"
    request: UUID
    case: UUID


@dataclass(frozen=True, slots=True)
class RequestReminded(Event):
    """A request waits for longer than its agent wants it to: people are to be reminded."""

    action = "request.reminded"
    request: UUID
    case: UUID


@dataclass(frozen=True, slots=True)
class RunsResent(Event):
    """Messages of runs that did not start are sent once more."""

    action = "run.resent"
    count: int


@dataclass(frozen=True, slots=True)
class RunNotStarted(Event):
    """A message was a duplicate, or came after its run was interrupted."""

    action = "run.not_started"
    run: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class RunEnded(Event):
    """An attempt is over, and its outcome is written."""

    action = "run.ended"
    level = logging.DEBUG
    run: UUID
    attempt: int
    result: str


@dataclass(frozen=True, slots=True)
class WriteRefused(Event):
    """The fence refused a late outcome."""

    action = "run.write_refused"
    level = logging.WARNING
    run: UUID
    attempt: int
    what: str


@dataclass(frozen=True, slots=True)
class WriteDelayed(Event):
    """The database is unavailable: a start or an outcome is kept and tried again."""

    action = "run.write_delayed"
    level = logging.WARNING
    what: str
    tries: int


@dataclass(frozen=True, slots=True)
class RunsReturned(Event):
    """Runs that waited behind a slow one went back to other workers."""

    action = "run.returned"
    count: int


@dataclass(frozen=True, slots=True)
class StopRequested(Event):
    """A run is asked to stop; `lost` when it no longer is this worker's."""

    action = "run.stop_requested"
    run: UUID
    lost: bool


@dataclass(frozen=True, slots=True)
class AgentLoopDisturbed(Event):
    """An agent stopped, closed or broke out of the event loop that the async agents of a process share; it goes on."""

    action = "agents.loop_disturbed"
    level = logging.WARNING
    how: str
    error: str
