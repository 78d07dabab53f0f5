"""Writing that runs completed: several that share a message, or one together with the start of the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from casework.agents import Complete
from casework.agents.results import Returned
from casework.core.model import RunMessage
from casework.service import execute
from casework.service.crash_points import Point, reach
from casework.service.execute import Started
from casework.settings import Settings
from casework.store import transitions
from casework.store.database import Database
from casework.store.transitions import Completion


@dataclass(frozen=True, slots=True)
class Done:
    """A run that completed, and when it began and ended by this process's monotonic clock."""

    started: Started
    reason: str | None
    begun: float
    ended: float
    tried: bool = False
    """Whether it may have been written, by a try of which the database has not told."""


def complete_all(db: Database, settings: Settings, done: Sequence[Done]) -> list[str]:
    """End runs that completed, those that hold their cases in one statement; a name of what came of each, in order."""
    if len(done) < 2:
        return [complete(db, settings, one) for one in done]

    def write(first: bool) -> list[str]:
        now = monotonic()
        completions = [Completion(one.started.fence, one.reason, now - one.begun, now - one.ended) for one in done]
        with db.single() as tx:
            held = transitions.complete_all(tx, completions)
        reach(Point.OUTCOME_COMMITTED, held)
        return [
            "completed" if one.started.message in held else complete(db, settings, one, first=first) for one in done
        ]

    return execute.patiently("outcome", write) or ["not written"] * len(done)


def complete(db: Database, settings: Settings, one: Done, *, first: bool = True) -> str:
    """End a run that completed, and name what came of it."""
    result = Returned(Complete(one.reason))
    return execute.settle(db, settings, one.started, result, first=first and not one.tried, ended=one.ended)


def complete_and_start(
    db: Database, settings: Settings, done: Done, message: RunMessage, worker: str
) -> tuple[bool, Started | None]:
    """End a run that completed, and start the next. Says whether the one held its case, and gives the other where it is to
    be started. Raises DatabaseUnavailable, and either may have happened then."""
    with db.single() as tx:
        ended = monotonic() - done.ended
        held, row = transitions.complete_and_start(tx, done.started.fence, done.reason, ended, message, worker)
    reach(Point.OUTCOME_COMMITTED, held)
    return held, execute.started(row, settings) if row else None
