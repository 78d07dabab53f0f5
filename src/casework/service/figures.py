"""Figures of queues for somebody who watches: depth, age, throughput, who works, and why a queue stands still."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic

from casework.core.counting import Count
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import Consumer, Queue, QueueId, TeamId
from casework.service.diagnosis.queue import diagnose_within
from casework.settings import Settings
from casework.store import counters, figures, queues
from casework.store.database import Database, Tx

MINUTES = 60
_MINUTE = timedelta(minutes=1)
_STILL_WRITTEN = 2
"""The minutes before this one whose runs may still be committing: a run ends before the transaction that says so."""


@dataclass(frozen=True, slots=True)
class Minute:
    """How many runs of a queue ended in a minute."""

    begins: datetime
    completed: int = 0
    failed: int = 0
    interrupted: int = 0

    @property
    def ended(self) -> int:
        return self.completed + self.failed + self.interrupted


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """A queue at one moment."""

    queue: Queue
    now: datetime
    cases: dict[CaseStatus, Count]
    oldest_pending_at: datetime | None
    minutes: list[Minute]
    """The last hour, the oldest minute first."""
    consumers: list[Consumer]
    counters: dict[str, int]
    stands_still: str | None
    """Why no case of it moves, as a sentence; None if it moves, or has nothing to move."""

    @property
    def ended(self) -> int:
        """Runs that ended in the last hour."""
        return sum(minute.ended for minute in self.minutes)

    @property
    def failed(self) -> int:
        """Runs that failed in the last hour."""
        return sum(minute.failed for minute in self.minutes)

    @property
    def oldest_pending(self) -> timedelta | None:
        """How old the oldest pending case is."""
        return max(self.now - self.oldest_pending_at, timedelta()) if self.oldest_pending_at else None


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look found, and when, by the monotonic clock."""

    began: float
    serves_until: float
    found: list[QueueFigures]


class Figures:
    """The figures of a team's queues, shared by everybody who watches: their looks take at most a tenth of one processor. Who
    asks for fresh ones shares a look with those who ask meanwhile. A minute that is over is counted once."""

    def __init__(self, db: Database, settings: Settings, fresh_seconds: float = 0.3) -> None:
        """`fresh_seconds` is how long a look serves for others at least; pages that follow changes hear of each twice, with
        more time in between."""
        self._db, self._settings, self._fresh_seconds = db, settings, fresh_seconds
        self._known: dict[TeamId, _Look] = {}
        self._over: dict[tuple[QueueId, datetime], Minute] = {}
        self._lock = Lock()

    def of_team(self, team_id: TeamId, *, fresh: bool = False) -> list[QueueFigures]:
        """Each queue of the team, by name; with `fresh`, no look that began before this call serves."""
        asked = monotonic()
        if (found := self._served(team_id, fresh, asked)) is not None:
            return found
        # Whoever else asks meanwhile waits for the same answer.
        with self._lock:
            if (found := self._served(team_id, fresh, asked)) is not None:
                return found
            began = monotonic()
            found = self._look(team_id)
            serves = max(self._fresh_seconds, 10 * (monotonic() - began)) if self._fresh_seconds else 0
            self._known[team_id] = _Look(began, monotonic() + serves, found)
        return found

    def _served(self, team_id: TeamId, fresh: bool, asked: float) -> list[QueueFigures] | None:
        known = self._known.get(team_id)
        if known is None or (known.began < asked if fresh else monotonic() >= known.serves_until):
            return None
        return known.found

    def _look(self, team_id: TeamId) -> list[QueueFigures]:
        with self._db.snapshot() as tx:
            found = queues.find(tx, team_id)
            ids = [queue.id for queue in found]
            counted, oldest = figures.by_status(tx, ids), figures.oldest_pending(tx, ids)
            minutes = self._minutes(tx, ids)
            return [
                QueueFigures(
                    queue,
                    tx.now,
                    counted[queue.id],
                    oldest.get(queue.id),
                    minutes[queue.id],
                    queues.consumers_of(tx, queue.id),
                    counters.of_queue(tx, queue.id),
                    diagnose_within(tx, self._settings, queue).message,
                )
                for queue in found
            ]

    def _minutes(self, tx: Tx, ids: Sequence[QueueId]) -> dict[QueueId, list[Minute]]:
        this = tx.now.replace(second=0, microsecond=0)
        wanted = [this - _MINUTE * back for back in reversed(range(MINUTES))]
        final = wanted[: -(1 + _STILL_WRITTEN)]
        missing = [one for one in final if any((id, one) not in self._over for id in ids)]
        self._over = {key: minute for key, minute in self._over.items() if key[1] >= wanted[0]}
        since = missing[0] if missing else wanted[-(1 + _STILL_WRITTEN)]
        counted = _by_minute(figures.ended(tx, ids, since, this + _MINUTE))

        def minute(id: QueueId, begins: datetime) -> Minute:
            return self._over.get((id, begins)) or counted.get((id, begins)) or Minute(begins)

        found = {id: [minute(id, begins) for begins in wanted] for id in ids}
        self._over |= {(id, begins): minute(id, begins) for id in ids for begins in final}
        return found


def _by_minute(ended: Sequence[figures.Ended]) -> dict[tuple[QueueId, datetime], Minute]:
    counts: dict[tuple[QueueId, datetime], dict[str, int]] = defaultdict(dict)
    for one in ended:
        counts[one.queue_id, one.minute][_FIELDS[one.status]] = one.count
    return {key: Minute(key[1], **fields) for key, fields in counts.items()}


_FIELDS = {
    RunStatus.COMPLETED: "completed",
    RunStatus.FAILED: "failed",
    RunStatus.INTERRUPTED: "interrupted",
}
