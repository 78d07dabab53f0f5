"""Pages of a queue's cases: filters, search, sorting, and where the next page begins.

Each page is one of two plans. By time, newest or oldest first, the list index is read status by status from its end,
and reading stops when the page is full. With a search for something rare, or another order, the matching cases are gathered
first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from casework.core.lifecycle import CaseStatus
from casework.core.model import Case, QueueId
from casework.store.cases import COLUMNS, with_labels
from casework.store.database import Tx


class SortBy(StrEnum):
    """What a list is sorted by; ties are broken by id."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    POSTPONED_TO = "postponed_to"
    PRIORITY = "priority"
    TITLE = "title"


class SortOrder(StrEnum):
    """Which end comes first."""

    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True, slots=True)
class Position:
    """The last case of a page: the value it was sorted by, as text, and its id."""

    value: str
    id: UUID


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases of a queue, and in which order."""

    queue_id: QueueId
    statuses: tuple[CaseStatus, ...] = ()
    created_from: datetime | None = None
    created_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tsquery: str | None = None
    sort_by: SortBy = SortBy.CREATED_AT
    order: SortOrder = SortOrder.DESC
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class _Filter:
    conditions: list[str]
    values: dict[str, Any]

    def sql(self) -> str:
        return " and ".join(self.conditions) or "true"


_TYPES = {
    SortBy.CREATED_AT: "timestamptz",
    SortBy.UPDATED_AT: "timestamptz",
    SortBy.POSTPONED_TO: "timestamptz",
    SortBy.PRIORITY: "smallint",
    SortBy.TITLE: "text",
}


def _sort_expression(wanted: Wanted) -> str:
    """Cases that are not postponed come last, whichever end is first."""
    if wanted.sort_by is not SortBy.POSTPONED_TO:
        return f"c.{wanted.sort_by}"
    never = "infinity" if wanted.order is SortOrder.ASC else "-infinity"
    return f"coalesce(c.postponed_to, '{never}'::timestamptz)"


def _filter(tx: Tx, wanted: Wanted) -> _Filter | None:
    """The conditions besides queue and status; None where no case can match."""
    conditions: list[str] = []
    values: dict[str, Any] = {
        "queue_id": wanted.queue_id,
        "statuses": [str(status) for status in wanted.statuses or CaseStatus],
    }
    for name, condition in (
        ("created_from", "c.created_at >= %(created_from)s"),
        ("created_to", "c.created_at < %(created_to)s"),
        ("updated_from", "c.updated_at >= %(updated_from)s"),
        ("updated_to", "c.updated_at < %(updated_to)s"),
    ):
        if (value := getattr(wanted, name)) is not None:
            conditions.append(condition)
            values[name] = value
    for number, (key, accepted) in enumerate(wanted.labels.items()):
        ids = _label_ids(tx, wanted.queue_id, key, accepted)
        if not ids:
            return None
        conditions.append(
            f"exists (select from case_labels cl where cl.case_id = c.id and cl.label_id = any(%(labels_{number})s::uuid[]))"
        )
        values[f"labels_{number}"] = ids
    if wanted.tsquery:
        values["tsquery"] = wanted.tsquery
    return _Filter(conditions, values)


def _label_ids(tx: Tx, queue_id: QueueId, key: str, accepted: Sequence[str]) -> list[UUID]:
    """Looked up first, so that the planner sees which labels are meant, and knows how common they are."""
    rows = tx.sql(
        "select id from labels where queue_id = %(queue_id)s and key = %(key)s and value = any(%(values)s::text[])",
        {"queue_id": queue_id, "key": key, "values": list(accepted)},
    )
    return [row.id for row in rows]


_HITS = """hit as materialized (
  select case_id from case_search where queue_id = %(queue_id)s and words @@ %(tsquery)s::tsquery
)"""


def page(tx: Tx, wanted: Wanted, *, limit: int, offset: int) -> tuple[list[Case], Position | None]:
    """One page, and the position of its last case where more follow."""
    found = _filter(tx, wanted)
    if found is None:
        return [], None
    sort = _sort_expression(wanted)
    if wanted.after is not None:
        beyond = ">" if wanted.order is SortOrder.ASC else "<"
        found.conditions.append(
            f"({sort}, c.id) {beyond} (%(after_value)s::{_TYPES[wanted.sort_by]}, %(after_id)s::uuid)"
        )
        found.values.update(after_value=wanted.after.value, after_id=wanted.after.id)
    if wanted.sort_by is SortBy.CREATED_AT and not (wanted.tsquery and _is_rare(tx, found)):
        if wanted.tsquery:
            found.conditions.append(
                "exists (select from case_search s where s.case_id = c.id and s.words @@ %(tsquery)s::tsquery)"
            )
        statement = _by_time(found, sort, wanted.order)
    else:
        statement = _gathered(found, sort, wanted.order, bool(wanted.tsquery))
    rows = tx.sql(statement, {**found.values, "limit": limit + 1, "offset": offset, "most": limit + 1 + offset}).all()
    last = Position(rows[limit - 1].sort_value, rows[limit - 1].id) if len(rows) > limit else None
    return with_labels(tx, rows[:limit]), last


RARE = 5000


def _is_rare(tx: Tx, found: _Filter) -> bool:
    """Whether so few cases match the search that gathering them is cheap. What is common is met soon by reading on."""
    statement = f"""
        select count(*) from (
          select from case_search where queue_id = %(queue_id)s and words @@ %(tsquery)s::tsquery limit {RARE}
        ) few
    """
    return bool(tx.sql(statement, found.values).scalar_one() < RARE)


def _by_time(found: _Filter, sort: str, order: SortOrder) -> str:
    return f"""
        select {COLUMNS}, {sort}::text as sort_value
        from (
          select k.id from unnest(%(statuses)s::text[]) as s (status) cross join lateral (
            select c.id, c.created_at from cases c
            where c.queue_id = %(queue_id)s and c.status = s.status and {found.sql()}
            order by c.created_at {order}, c.id {order} limit %(most)s
          ) k order by k.created_at {order}, k.id {order} limit %(limit)s offset %(offset)s
        ) p join cases c on c.id = p.id left join runs r on r.id = c.run_id
        order by {sort} {order}, c.id {order}
    """


def _gathered(found: _Filter, sort: str, order: SortOrder, searching: bool) -> str:
    hits, join = (f"with {_HITS}", "join hit h on h.case_id = c.id") if searching else ("", "")
    return f"""
        {hits}
        select {COLUMNS}, {sort}::text as sort_value from cases c {join} left join runs r on r.id = c.run_id
        where c.queue_id = %(queue_id)s and c.status = any(%(statuses)s::text[]) and {found.sql()}
        order by {sort} {order}, c.id {order} limit %(limit)s offset %(offset)s
    """


def total(tx: Tx, wanted: Wanted) -> int:
    """How many cases match, whatever the page."""
    found = _filter(tx, wanted)
    if found is None:
        return 0
    hits, join = (f"with {_HITS}", "join hit h on h.case_id = c.id") if wanted.tsquery else ("", "")
    statement = f"""
        {hits} select count(*) from cases c {join}
        where c.queue_id = %(queue_id)s and c.status = any(%(statuses)s::text[]) and {found.sql()}
    """
    count: int = tx.sql(statement, found.values).scalar_one()
    return count
