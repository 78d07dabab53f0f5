"""Lists of cases, page by page, with their total and where the next page begins."""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Any
from uuid import UUID

from casework.core.model import Case, CaseFilter, TeamId
from casework.errors import InvalidInput
from casework.service.queues import resolve
from casework.store import listing as store
from casework.store.database import Database
from casework.store.listing import NEWEST_FIRST, Order, Position, SortBy, SortOrder

__all__ = ["Counts", "Order", "Page", "SortBy", "SortOrder", "page"]


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

    CHEAP_SECONDS = 0.01
    TIMES = 100
    MOST_SECONDS = 60.0
    MOST = 1000

    def __init__(self) -> None:
        self._known: dict[Any, tuple[Any, float]] = {}
        self._lock = Lock()

    def get(self, key: Any, count: Callable[[], Any]) -> Any:
        """The remembered result, or a new one."""
        with self._lock:
            known = self._known.get(key)
        if known and monotonic() < known[1]:
            return known[0]
        began = monotonic()
        found = count()
        took = monotonic() - began
        if took > self.CHEAP_SECONDS:
            with self._lock:
                if len(self._known) >= self.MOST:
                    self._known.clear()
                self._known[key] = (found, monotonic() + min(took * self.TIMES, self.MOST_SECONDS))
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

    Raises NotFound, and InvalidInput for a cursor that is not one of this list.
    """
    after = _position(cursor, order) if cursor else None
    with db.snapshot() as tx:
        queue = resolve(tx, team_id, queue_id)
        found, last = store.page(tx, queue.id, wanted, order, after=after, limit=limit, offset=0 if after else offset)
        total = counts.get((queue.id, repr(wanted)), lambda: store.total(tx, queue.id, wanted))
    return Page(found, total, limit, offset, _cursor(last, order) if last else None)


def _cursor(last: Position, order: Order) -> str:
    text = json.dumps([order.by, order.direction, last.value, str(last.id)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(cursor: str, order: Order) -> Position:
    try:
        by, direction, value, id = json.loads(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
        if (by, direction) != (order.by, order.direction):
            raise InvalidInput(f"The cursor is of a list sorted by {by} {direction}.")
        return Position(_checked(str(value), order.by), UUID(id))
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise InvalidInput("The cursor is not one that a page of this list gave.") from error


def _checked(value: str, sort_by: SortBy) -> str:
    """A value that PostgreSQL can read as the type of its column. Raises ValueError."""
    if sort_by is SortBy.PRIORITY:
        return str(int(value))
    if sort_by is SortBy.TITLE:
        if "\0" in value:
            raise ValueError(value)
        return value
    if value not in ("infinity", "-infinity"):
        datetime.fromisoformat(value)
    return value
