"""Acts on all cases that match a filter, in batches: what a person says about "all failed ones of this label"."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from casework.core.counting import Count
from casework.core.effects import Committed, Effects
from casework.core.lifecycle import CaseStatus
from casework.core.model import CaseFilter, Priority, QueueId, TeamId
from casework.service.changes import change
from casework.service.overrides import CasesChanged
from casework.service.queues import resolve
from casework.store import cases, listing
from casework.store.database import Database

BATCH = 500
"""Cases of one transaction: it is short enough that claims and other people's acts pass in between."""

MOST_COUNTED = 1_000_000

Act = Callable[[QueueId, Sequence[UUID]], Committed[CasesChanged]]


@dataclass(frozen=True, slots=True)
class Matching:
    """The cases that matched at a moment. Those that come later are not meant."""

    count: Count
    until: datetime


def count(db: Database, team_id: TeamId, queue_ref: str | UUID, wanted: CaseFilter) -> Matching:
    """How many cases match now; not exact if there are more than a million. Raises NotFound and InvalidInput."""
    with db.snapshot() as tx:
        queue = resolve(tx, team_id, queue_ref)
        now = tx.now
        found = listing.total_up_to(tx, queue.id, _until(wanted, now), MOST_COUNTED)
    return Matching(found, now)


def _until(wanted: CaseFilter, moment: datetime) -> CaseFilter:
    """The filter, without the cases that were created at that moment or later."""
    return replace(wanted, created_to=min(moment, wanted.created_to or moment))


@dataclass(frozen=True, slots=True)
class Progress:
    """What came of an act so far."""

    moved: int = 0
    interrupted: int = 0
    refused: Counter[CaseStatus] = field(default_factory=Counter)
    """Cases that their status kept from moving, by that status."""
    gone: int = 0
    """Cases that somebody else deleted or moved to another queue meanwhile."""

    @property
    def skipped(self) -> int:
        return self.refused.total() + self.gone

    @property
    def seen(self) -> int:
        """Moved or skipped."""
        return self.moved + self.skipped

    def with_(self, done: CasesChanged) -> "Progress":
        """This, and what came of one more batch."""
        return Progress(
            self.moved + len(done.moved),
            self.interrupted + len(done.interrupted),
            self.refused + done.refused,
            self.gone + done.skipped - done.refused.total(),
        )


def on_all(
    db: Database, team_id: TeamId, queue_ref: str | UUID, wanted: CaseFilter, until: datetime, act: Act
) -> Iterator[Committed[Progress]]:
    """Act on the cases that match and were created before `until`, the newest first, each once, and yield after each
    batch. Whoever stops to iterate stops the act; what is done stays done. Raises NotFound and InvalidInput."""
    with db.snapshot() as tx:
        queue_id = resolve(tx, team_id, queue_ref).id
    wanted, after, progress = _until(wanted, until), None, Progress()
    while True:
        with db.snapshot() as tx:
            ids, after = listing.ids(tx, queue_id, wanted, after=after, limit=BATCH)
        if ids:
            done = act(queue_id, ids)
            progress = progress.with_(done.value)
            yield Committed(progress, done.effects)
        if after is None:
            return


def on_chosen(queue_id: QueueId, ids: Sequence[UUID], act: Act) -> Iterator[Committed[Progress]]:
    """As `on_all`, on the cases with these ids."""
    progress = Progress()
    for start in range(0, len(ids), BATCH):
        done = act(queue_id, ids[start : start + BATCH])
        progress = progress.with_(done.value)
        yield Committed(progress, done.effects)


def prioritize(db: Database, queue_id: QueueId, ids: Sequence[UUID], priority: Priority) -> Committed[CasesChanged]:
    """Change the priority of cases, whatever their status. Cases that are gone are skipped."""
    with db.begin() as tx:
        found = [row.id for row in cases.lock(tx, ids, queue_id)]
        for id in found:
            change(tx, queue_id, id, priority=priority)
    return Committed(CasesChanged(found, len(set(ids)) - len(found)), Effects(nudge=bool(found)))
