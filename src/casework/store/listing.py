"""Finds cases of a queue: filters, search, sorting and pages.

Each page is one of two plans. By time, newest or oldest first, the list index is read status by status from its end,
and reading stops when the page is full. With a search for something rare, or another order, the matching cases are gathered
first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from casework.core.counting import Count
from casework.core.lifecycle import CaseStatus
from casework.core.model import Case, CaseFilter, CaseId, QueueId
from casework.core.search import as_tsquery
from casework.store.bound import ALL_CASES, listed_as
from casework.store.cases import COLUMNS, with_labels
from casework.store.database import Tx
from casework.store.snapshot import END_EVENTS, END_REASON


class SortBy(StrEnum):
    """What a list is sorted by; ties are broken by id."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    POSTPONED_TO = "postponed_to"
    PRIORITY = "priority"
    TITLE = "title"


class SortOrder(StrEnum):
    """The order of a list."""

    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True, slots=True)
class Position:
    """The last case of a page: the value it was sorted by, as text, and its id."""

    value: str
    id: UUID


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted."""

    by: SortBy = SortBy.CREATED_AT
    direction: SortOrder = SortOrder.DESC

    def expression(self) -> str:
        """Cases that are not postponed come last in both orders."""
        if self.by is not SortBy.POSTPONED_TO:
            return f"c.{self.by}"
        never = "infinity" if self.direction is SortOrder.ASC else "-infinity"
        return f"coalesce(c.postponed_to, '{never}'::timestamptz)"


NEWEST_FIRST = Order()


@dataclass(frozen=True, slots=True)
class _Filter:
    conditions: list[str]
    values: dict[str, Any]

    @property
    def is_search(self) -> bool:
        return "tsquery" in self.values

    def begin_after(self, last: Position, order: Order) -> None:
        beyond = ">" if order.direction is SortOrder.ASC else "<"
        self.conditions.append(
            f"({order.expression()}, c.id) {beyond} (%(after_value)s::{_TYPES[order.by]}, %(after_id)s::uuid)"
        )
        self.values.update(after_value=last.value, after_id=last.id)

    def sql(self) -> str:
        return " and ".join(self.conditions) or "true"

    def with_hits(self) -> tuple[str, str]:
        """The beginning of a statement, and where it finds cases `c`: with a search, those that the search index gave, one
        by one. The planner, which takes them for a fiftieth of all, would read all cases instead, but for the OFFSET 0."""
        if not self.is_search:
            return "", f"{ALL_CASES} c"
        return f"with {_HITS}", "hit h cross join lateral (select * from cases f where f.id = h.case_id offset 0) c"


_TYPES = {
    SortBy.CREATED_AT: "timestamptz",
    SortBy.UPDATED_AT: "timestamptz",
    SortBy.POSTPONED_TO: "timestamptz",
    SortBy.PRIORITY: "smallint",
    SortBy.TITLE: "text",
}


_BOUNDS = {
    "created_from": "c.created_at >= %(created_from)s",
    "created_to": "c.created_at < %(created_to)s",
    "updated_from": "c.updated_at >= %(updated_from)s",
    "updated_to": "c.updated_at < %(updated_to)s",
    "title_contains": "position(lower(%(title_contains)s) in lower(c.title)) > 0",
}


def _filter(tx: Tx, queue_id: QueueId, wanted: CaseFilter) -> _Filter | None:
    """The conditions besides queue and status; None if no case can match."""
    given = {name: value for name in _BOUNDS if (value := getattr(wanted, name)) is not None}
    conditions = [_BOUNDS[name] for name in given]
    values = {"queue_id": queue_id, "statuses": [str(status) for status in wanted.statuses or CaseStatus], **given}
    for number, (key, accepted) in enumerate(wanted.labels.items()):
        ids = _label_ids(tx, queue_id, key, accepted)
        if not ids:
            return None
        conditions.append(_has_label(f"labels_{number}", probe=not _few_have(tx, ids)))
        values[f"labels_{number}"] = ids
    if tsquery := as_tsquery(wanted.search) if wanted.search else None:
        values |= {"tsquery": tsquery, "whole_words": as_tsquery(wanted.search or "", whole=True)}
    return _Filter(conditions, values)


def _label_ids(tx: Tx, queue_id: QueueId, key: str, accepted: Sequence[str]) -> list[UUID]:
    """Looked up first, so that the planner knows how common these labels are."""
    rows = tx.sql(
        "select id from labels where queue_id = %(queue_id)s and key = %(key)s and value = any(%(values)s::text[])",
        {"queue_id": queue_id, "key": key, "values": list(accepted)},
    )
    return [row.id for row in rows]


def _few_have(tx: Tx, label_ids: Sequence[UUID]) -> bool:
    """Whether so few cases have one of the labels that collecting them is cheap."""
    statement = f"select count(*) from (select from case_labels where label_id = any(%(ids)s::uuid[]) limit {RARE}) few"
    return bool(tx.sql(statement, {"ids": list(label_ids)}).scalar_one() < RARE)


def _has_label(name: str, *, probe: bool) -> str:
    """The condition that a case has one of the labels. With `probe` it is asked of each case that is read, because the
    planner cannot turn OFFSET 0 into a join: it would read all cases of a common label for one page."""
    offset = " offset 0" if probe else ""
    return (
        f"exists (select from case_labels cl where cl.case_id = c.id and cl.label_id = any(%({name})s::uuid[]){offset})"
    )


_HITS = """hit as materialized (
  select case_id from case_search where queue_id = %(queue_id)s and words @@ %(tsquery)s::tsquery
)"""


def page(
    tx: Tx,
    queue_id: QueueId,
    wanted: CaseFilter,
    order: Order = NEWEST_FIRST,
    *,
    after: Position | None = None,
    limit: int,
    offset: int = 0,
) -> tuple[list[Case], Position | None]:
    """Some of the cases of a queue, and the position of the last of them if more follow."""
    rows, last = _rows(tx, queue_id, wanted, order, COLUMNS, after=after, limit=limit, offset=offset)
    return with_labels(tx, rows), last


def ids(
    tx: Tx, queue_id: QueueId, wanted: CaseFilter, *, after: Position | None = None, limit: int
) -> tuple[list[CaseId], Position | None]:
    """As `page`, newest first, but only the ids: the data of a thousand cases may be large."""
    rows, last = _rows(tx, queue_id, wanted, NEWEST_FIRST, "c.id", after=after, limit=limit, offset=0)
    return [CaseId(row.id) for row in rows], last


def newer(tx: Tx, queue_id: QueueId, wanted: CaseFilter, than: Position, most: int) -> Count:
    """How many cases that match are newer than the position, counted until there are more than `most`."""
    oldest_first = Order(direction=SortOrder.ASC)
    rows, more = _rows(tx, queue_id, wanted, oldest_first, "c.id", after=than, limit=most, offset=0)
    return Count(len(rows), exact=more is None)


def _rows(
    tx: Tx,
    queue_id: QueueId,
    wanted: CaseFilter,
    order: Order,
    columns: str,
    *,
    after: Position | None,
    limit: int,
    offset: int,
) -> tuple[list[Any], Position | None]:
    found = _filter(tx, queue_id, wanted)
    if found is None:
        return [], None
    if after is not None:
        found.begin_after(after, order)
    if order.by is SortBy.CREATED_AT and not (found.is_search and _is_rare(tx, found)):
        if found.is_search:
            found.conditions.append(_HAS_WORDS)
        statement = _by_time(found, order, columns)
    else:
        statement = _gathered(found, order, columns)
    rows = tx.sql(statement, {**found.values, "limit": limit + 1, "offset": offset, "most": limit + 1 + offset}).all()
    last = Position(rows[limit - 1].sort_value, rows[limit - 1].id) if len(rows) > limit else None
    return rows[:limit], last


# OFFSET 0 as for labels: the search index would give a million cases for one page.
_HAS_WORDS = "exists (select from case_search s where s.case_id = c.id and s.words @@ %(tsquery)s::tsquery offset 0)"


RARE = 20_000


def _is_rare(tx: Tx, found: _Filter) -> bool:
    """Whether so few cases match the search that collecting them is cheap. Common words are soon found by reading the
    list. Whole words are tried first: for the beginning of a word, the index collects all cases that have it before it
    gives one."""
    return all(
        tx.sql(
            f"""
            select count(*) from (
              select from case_search where queue_id = %(queue_id)s and words @@ %({words})s::tsquery limit {RARE}
            ) few
            """,
            found.values,
        ).scalar_one()
        < RARE
        for words in ("whole_words", "tsquery")
    )


def _by_time(found: _Filter, order: Order, columns: str) -> str:
    direction = order.direction
    firsts = " union all ".join(
        f"""(select c.id, c.created_at from cases c
            where {condition} and c.queue_id = %(queue_id)s and c.status = s.status and {found.sql()}
            order by c.created_at {direction}, c.id {direction} limit %(most)s)"""
        for condition in listed_as("c")
    )
    return f"""
        select {columns}, {order.expression()}::text as sort_value
        from (
          select k.id from unnest(%(statuses)s::text[]) as s (status) cross join lateral (
            {firsts}
          ) k order by k.created_at {direction}, k.id {direction} limit %(limit)s offset %(offset)s
        ) p join cases c on c.id = p.id left join runs r on r.id = c.run_id
        order by {order.expression()} {direction}, c.id {direction}
    """


def _gathered(found: _Filter, order: Order, columns: str) -> str:
    hits, source = found.with_hits()
    sort, direction = order.expression(), order.direction
    return f"""
        {hits}
        select {columns}, {sort}::text as sort_value from {source} left join runs r on r.id = c.run_id
        where c.queue_id = %(queue_id)s and c.status = any(%(statuses)s::text[]) and {found.sql()}
        order by {sort} {direction}, c.id {direction} limit %(limit)s offset %(offset)s
    """


def total(tx: Tx, queue_id: QueueId, wanted: CaseFilter) -> int:
    """How many cases match in all."""
    found = _filter(tx, queue_id, wanted)
    if found is None:
        return 0
    hits, source = found.with_hits()
    if found.is_search and not _is_rare(tx, found):
        source = f"{ALL_CASES} c join hit h on h.case_id = c.id"
    statement = f"""
        {hits} select count(*) from {source}
        where c.queue_id = %(queue_id)s and c.status = any(%(statuses)s::text[]) and {found.sql()}
    """
    count: int = tx.sql(statement, found.values).scalar_one()
    return count


def total_up_to(tx: Tx, queue_id: QueueId, wanted: CaseFilter, most: int) -> Count:
    """How many cases match, counted until there are more than `most`: then it is not exact, and there are at least so many."""
    found = _filter(tx, queue_id, wanted)
    if found is None:
        return Count(0)
    hits, source = "", f"{ALL_CASES} c"
    if found.is_search and _is_rare(tx, found):
        hits, source = found.with_hits()
    elif found.is_search:
        found.conditions.append(_HAS_WORDS)
    statement = f"""
        {hits} select count(*) from (
          select from {source}
          where c.queue_id = %(queue_id)s and c.status = any(%(statuses)s::text[]) and {found.sql()} limit {most + 1:d}
        ) few
    """
    count: int = tx.sql(statement, found.values).scalar_one()
    return Count(min(count, most), exact=count <= most)


def end_reasons(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Why each of these cases ended, if its history says so."""
    rows = tx.sql(
        f"""
        select w.id, e.reason from unnest(%(ids)s::uuid[]) as w (id) cross join lateral ({END_REASON.format(case="w.id")}) e where e.reason is not null
        """,
        {"ids": list(ids), "ends": END_EVENTS},
    )
    return {row.id: row.reason for row in rows}
