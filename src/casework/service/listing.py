"""Lists of cases, page by page, with their total and where the next page begins."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic
from typing import Any

from casework.core.model import Case, TeamId
from casework.core.search import as_tsquery
from casework.service.paging import cursor_of, position_of
from casework.service.queues import resolve
from casework.store import listing as store
from casework.store.database import Database
from casework.store.listing import SortBy, SortOrder, Wanted

__all__ = ["Counts", "Page", "SortBy", "SortOrder", "Wanted", "page"]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the cases, how many there are in all, and the cursor of the next page, where there is one."""

    cases: list[Case]
    total: int
    limit: int
    offset: int
    next_cursor: str | None


class Counts:
    """Remembers counts that were expensive: a million cases are not counted again for each page that is turned.

    What took under 10 ms is counted each time. Anything else is remembered for a hundred times as long as it took, but
    for a minute at most: a total is never older.
    """

    MOST_SECONDS = 60.0
    MOST = 1000

    def __init__(self, cheap_seconds: float = 0.01, times: float = 100) -> None:
        self._cheap_seconds, self._times = cheap_seconds, times
        self._known: dict[Any, tuple[Any, float]] = {}
        self._lock = Lock()

    def get(self, team_id: TeamId, what: Any, count: Callable[[], Any]) -> Any:
        """The remembered result, or a new one. A team is never given what another team asked for."""
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
    wanted: Wanted,
    *,
    search: str | None,
    limit: int,
    offset: int,
    cursor: str | None,
) -> Page:
    """One page of a queue's cases. Raises NotFound, and InvalidInput for a bad search or cursor."""
    tsquery = as_tsquery(search) if search else None
    wanted = replace(wanted, tsquery=tsquery)
    if cursor:
        wanted = replace(wanted, after=position_of(cursor, wanted))
    with db.begin() as tx:
        resolve(tx, team_id, wanted.queue_id)
        found, last = store.page(tx, wanted, limit=limit, offset=0 if cursor else offset)
        all_ = replace(wanted, after=None, sort_by=SortBy.CREATED_AT, order=SortOrder.DESC)
        total = counts.get(team_id, repr(all_), lambda: store.total(tx, all_))
    next_cursor = cursor_of(last, wanted.sort_by, wanted.order) if last else None
    return Page(found, total, limit, offset, next_cursor)
