"""Pages of cases, with their total and the cursor of the next page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic
from typing import Any
from uuid import UUID

from casework.core.counting import Count
from casework.core.lifecycle import CaseStatus
from casework.core.model import Case, CaseFilter, Queue, TeamId
from casework.service.paging import cursor_of, position_of
from casework.service.queues import resolve
from casework.store import figures
from casework.store import listing as store
from casework.store.database import Database, Tx
from casework.store.listing import NEWEST_FIRST, Order, Position, SortBy, SortOrder

__all__ = ["Board", "Counts", "Order", "Page", "Part", "SortBy", "SortOrder", "board", "page", "part"]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the cases, how many there are in all, and the cursor of the next page, if there is one."""

    cases: list[Case]
    total: int
    limit: int
    offset: int
    next_cursor: str | None


class Counts:
    """Remembers counts that were expensive: a million cases are not counted again for each page that is turned.

    A count that took under 10 ms is repeated each time. Any other is remembered for a hundred times as long as it took,
    at most a minute.
    """

    MOST_SECONDS = 60.0
    MOST = 1000

    def __init__(self, cheap_seconds: float = 0.01, times: float = 100) -> None:
        self._cheap_seconds, self._times = cheap_seconds, times
        self._known: dict[Any, tuple[Any, float]] = {}
        self._lock = Lock()

    def get(self, team_id: TeamId, what: Any, count: Callable[[], Any]) -> Any:
        """The remembered result, or a new one. Results of one team are never given to another."""
        key = team_id, what
        with self._lock:
            known = self._known.get(key)
        if known and monotonic() < known[1]:
            return known[0]
        began = monotonic()
        found = count()
        took = monotonic() - began
        if took > self._cheap_seconds:
            with self._lock:
                if len(self._known) >= self.MOST:
                    self._known.clear()
                self._known[key] = (found, monotonic() + min(took * self._times, self.MOST_SECONDS))
        return found


def page(
    db: Database,
    counts: Counts,
    team_id: TeamId,
    queue_id: UUID,
    wanted: CaseFilter,
    order: Order = NEWEST_FIRST,
    *,
    limit: int,
    offset: int = 0,
    cursor: str | None = None,
) -> Page:
    """One page of a queue's cases; a cursor counts instead of an offset.

    Raises NotFound, and InvalidInput for a bad search or a cursor that is not one of this list.
    """
    after = position_of(cursor, order) if cursor else None
    with db.snapshot() as tx:
        queue = resolve(tx, team_id, queue_id)
        found, last = store.page(tx, queue.id, wanted, order, after=after, limit=limit, offset=0 if after else offset)
        total = counts.get(team_id, (queue.id, repr(wanted)), lambda: store.total(tx, queue.id, wanted))
    return Page(found, total, limit, offset, cursor_of(last, order) if last else None)


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the cases for somebody who reads them: why each failed, and about how many there are in all."""

    queue: Queue
    cases: list[Case]
    reasons: dict[UUID, str]
    """Why cases that failed did, by id, if it is known."""
    count: Count
    cursor: str | None
    """Of this part itself, however many cases come in meanwhile; None if it is empty."""
    next_cursor: str | None
    newer: Count
    """How many cases that match are newer than the first of this part."""


MOST_NEWER = 999
MOST_FILTERED = 1000
"""Of cases with a label or a word, more are not counted for a page."""


def part(
    db: Database, team_id: TeamId, queue_ref: str | UUID, wanted: CaseFilter, *, limit: int, cursor: str | None = None
) -> Part:
    """As `page`, newest first, for somebody who reads it: what a label or a word filters is counted up to a thousand.

    Raises NotFound, and InvalidInput for a bad search or a cursor that is not one of this list.
    """
    after = position_of(cursor, NEWEST_FIRST) if cursor else None
    with db.snapshot() as tx:
        queue = resolve(tx, team_id, queue_ref)
        found, last = store.page(tx, queue.id, wanted, after=after, limit=limit)
        return Part(
            queue,
            found,
            _reasons(tx, found),
            _count(tx, queue, wanted, len(found), is_all=not (after or last)),
            cursor_of(_before(found[0]), NEWEST_FIRST) if found else None,
            cursor_of(last, NEWEST_FIRST) if last else None,
            store.newer(tx, queue.id, wanted, _with_its_own(after), MOST_NEWER) if after else Count(0),
        )


def _with_its_own(position: Position) -> Position:
    """The position from which what is newer includes the case that it names: that one is on the part before."""
    return Position(position.value, UUID(int=position.id.int - 1))


def _before(case: Case) -> Position:
    """The position after which the case is the first."""
    return Position(case.created_at.isoformat(), UUID(int=case.id.int + 1))


def _count(tx: Tx, queue: Queue, wanted: CaseFilter, shown: int, *, is_all: bool) -> Count:
    if is_all:
        return Count(shown)
    if wanted.search:
        # To find the words once more would double the time that the page takes.
        return Count(shown, exact=False)
    if wanted != CaseFilter(wanted.statuses):
        return store.total_up_to(tx, queue.id, wanted, MOST_FILTERED)
    counts = figures.by_status(tx, [queue.id])[queue.id]
    chosen = [counts[status] for status in wanted.statuses or CaseStatus]
    return Count(sum(one.number for one in chosen), all(one.exact for one in chosen))


def _reasons(tx: Tx, found: Sequence[Case]) -> dict[UUID, str]:
    failed = [one.id for one in found if one.status is CaseStatus.FAILED]
    return store.end_reasons(tx, failed) if failed else {}


@dataclass(frozen=True, slots=True)
class Board:
    """The newest cases of a queue in each status."""

    queue: Queue
    columns: dict[CaseStatus, list[Case]]
    reasons: dict[UUID, str]
    counts: dict[CaseStatus, Count]


def board(db: Database, team_id: TeamId, queue_ref: str | UUID, wanted: CaseFilter, *, limit: int) -> Board:
    """The newest cases that match, by status; the counts are those of the whole queue. Raises NotFound, and InvalidInput
    for a bad search."""
    with db.snapshot() as tx:
        queue = resolve(tx, team_id, queue_ref)
        columns = {
            status: store.page(tx, queue.id, replace(wanted, statuses=(status,)), limit=limit)[0]
            for status in wanted.statuses or CaseStatus
        }
        reasons = _reasons(tx, columns.get(CaseStatus.FAILED, []))
        return Board(queue, columns, reasons, figures.by_status(tx, [queue.id])[queue.id])
