"""Cases that wait in lines: put there when they are created, and let out by ticks, head by head."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from casework.core.limits import Line
from casework.core.model import CaseId, QueueId
from casework.store.database import NOW, Tx
from casework.store.lines import COUNT_SQL, HAS_ENDED, LINE_ID, SHOWN_CHARACTERS, STANDS_BEFORE, VALUE, bounds_of
from casework.store.literals import same_status

MOST_HEADS = 1000

# A queue's new cases stand in the lines of its first limit with a key. As many as may begin at once stand in the lanes, the
# others wait behind them, so that the cases of one value do not stand before those of another. How many stand there is counted
# without a lock: a claim looks again.
_PLACE_SQL = f"""
with found as materialized (
  select distinct on (c.id) c.id, c.priority, l.id as limit_id, v.value, least(l.concurrency, l.rate_burst, {MOST_HEADS}) as most
  from cases c join limits l on l.queue_id = c.queue_id and l.agent_id is null and l.key is not null
  cross join lateral (select {VALUE} as value) v
  where c.id = any(%(ids)b::uuid[]) and c.queue_id = %(queue_id)s and c.lane is not null and c.ready_at <= {NOW} and v.value is not null
  order by c.id, l.id
), placed as materialized (
  select id, most, {LINE_ID.format(limit="limit_id", value="value")} as line_id,
    row_number() over (partition by limit_id, value order by priority desc, id) as place
  from found
), standing as materialized (
  select p.line_id, (select count(*) from (
    select from cases c where not c.parked and c.line_id = p.line_id and c.lane is not null and {STANDS_BEFORE} limit p.most) s)
    + (select count(*) from (select from cases o where o.parked and o.line_id = p.line_id and o.lane is not null limit 1) s) * p.most as ahead
  from (select distinct line_id, most from placed) p
)
update cases c set line_id = p.line_id, parked = s.ahead + p.place > p.most, {same_status("c")}
from placed p join standing s on s.line_id = p.line_id where c.id = p.id
"""


def place(tx: Tx, queue_id: QueueId, ids: Sequence[CaseId]) -> None:
    """Put new cases of a queue that has limits with keys into their lines."""
    tx.sql(_PLACE_SQL, {"queue_id": queue_id, "ids": list(ids)})


_LEAVE_SQL = f"""
with held as materialized (
  select c.id from cases c where c.parked and c.id in (
    select a.case_id from case_labels a join labels l on l.id = a.label_id
    where l.id = %(label_id)s and l.queue_id = %(queue_id)s and (l.key, l.value) is distinct from (coalesce(%(key)s::text, l.key), %(value)s::text))
  order by c.id for no key update
)
update cases c set parked = false, line_id = null, {same_status("c")} from held h where c.id = h.id
"""


def leave(tx: Tx, queue_id: QueueId, label_id: UUID, key: str | None, value: str | None) -> None:
    """Take the cases that carry a label out of their lines: it is about to have that key, or the same, and that value, or to be
    deleted. Their next claim finds the right lines."""
    tx.sql(_LEAVE_SQL, {"queue_id": queue_id, "label_id": label_id, "key": key, "value": value})


# Lines that may let somebody through: a run that they let through has ended, or their moment has come. `besides` are looked at in
# any case. A line that a claim holds is that claim's to leave in order.
_DUE_SQL = f"""
with ended as materialized (
  select distinct h.line_id as id from limit_holds h
  where {HAS_ENDED} limit %(most)s
), due as materialized (
  select id from limit_lines where next_at <= {NOW} order by next_at limit %(most)s
)
select l.id from limit_lines l
where l.id in (select id from ended union all select id from due union all select * from unnest(%(besides)b::uuid[]))
for update of l skip locked
"""
_NEXT_SQL = f"select min(next_at) - {NOW} as wait from limit_lines where next_at > {NOW}"

_MOVE_SQL = f"""
with heads as materialized (
  select k.id from unnest(%(lines)b::uuid[], %(most)s::int[]) as w (line_id, most) cross join lateral (
    select c.id from cases c where c.parked and c.line_id = w.line_id and c.lane is not null
    order by c.lane, c.ready_at, c.id limit w.most for no key update skip locked
  ) k
), moved as (
  update cases c set parked = false, ready_at = {NOW}, {same_status("c")} from heads h where c.id = h.id returning c.queue_id
), looked_at as (
  update limit_lines l set next_at = n.next_at, paid_until = n.paid_until
  from unnest(%(looked_at)b::uuid[], %(next)s::timestamptz[], %(paid)s::timestamptz[]) as n (id, next_at, paid_until)
  where l.id = n.id and (l.next_at, l.paid_until) is distinct from (n.next_at, n.paid_until)
)
select queue_id, count(*) as moved from moved group by queue_id
"""

# A line that nothing was claimed under so far gets its row now. Before any line is locked, and in one order, as in claims.
_ADD_SQL = f"""
insert into limit_lines (id, limit_id, value)
select w.id, l.id, left(v.value, {SHOWN_CHARACTERS})
from unnest(%(lines)b::uuid[]) as w (id)
cross join lateral (select * from cases o where o.parked and o.line_id = w.id and o.lane is not null limit 1) c
join limits l on l.key is not null and (l.queue_id is null or l.queue_id = c.queue_id)
cross join lateral (select {VALUE} as value) v
where not exists (select from limit_lines o where o.id = w.id) and {LINE_ID.format(limit="l.id", value="v.value")} = w.id
order by w.id on conflict do nothing
"""

# Of a limit that was deleted: the claim of what is let out finds the right line, if there is one.
_WITHOUT_ROW_SQL = """
select w.id from unnest(%(besides)b::uuid[]) as w (id) where not exists (select from limit_lines l where l.id = w.id)
"""

MOST_LINES = 1000


@dataclass(frozen=True, slots=True)
class Served:
    """The queues in which something may be claimed now, and in how many seconds the next line is due."""

    queues: frozenset[QueueId]
    wait: float | None
    moved: int
    freed: bool = False
    """Whether an agent may have room again in queues that are not named: it may have thousands."""


def serve(tx: Tx, besides: Collection[UUID] = ()) -> Served:
    """Let as many heads of lines into the lanes as may begin now. They become ready now, so that the lines take turns."""
    due, waits = tx.together((_DUE_SQL, {"most": MOST_LINES, "besides": list(besides)}), (_NEXT_SQL, {}))
    ids = sorted(row.id for row in due)
    wait = waits.scalar_one_or_none()
    seconds = wait.total_seconds() if wait is not None else None
    lost = [row.id for row in tx.sql(_WITHOUT_ROW_SQL, {"besides": list(besides)})] if besides else []
    if not ids and not lost:
        return Served(frozenset(), seconds, 0)
    counted = tx.sql(COUNT_SQL, {"lines": ids, "lanes": True}).all() if ids else []
    lines = [_line(row) for row in counted]
    heads = {line.id: _heads(line, row) for line, row in zip(lines, counted, strict=True) if line.is_keyed}
    heads = {id: most for id, most in heads.items() if most > 0} | dict.fromkeys(lost, MOST_HEADS)
    moved = tx.sql(
        _MOVE_SQL,
        {
            "lines": list(heads),
            "most": list(heads.values()),
            "looked_at": ids,
            "next": [_next_at(line, row) for line, row in zip(lines, counted, strict=True)],
            "paid": [line.paid_after() for line in lines],
        },
    ).all()
    plain = {QueueId(row.queue_id) for row in counted if not row.is_keyed and row.queue_id}
    freed = any(not row.is_keyed and not row.queue_id for row in counted)
    queues = frozenset({QueueId(row.queue_id) for row in moved} | plain)
    return Served(queues, seconds, sum(row.moved for row in moved), freed)


def _line(row: Any) -> Line:
    return Line(row.id, row.limit_id, bounds_of(row), row.used, row.paid_until, row.now, row.is_keyed, waits=row.waits)


def _heads(line: Line, row: Any) -> int:
    """How many cases may leave the line. What other agents may take, too, does not wait for one of them."""
    return MOST_HEADS if row.shared else min(MOST_HEADS, line.left - row.in_lanes)


def _next_at(line: Line, row: Any) -> datetime | None:
    """What is let into the lanes is claimed, and that claim sees what comes then; so does the end of a run."""
    return line.next_at() if line.is_keyed and not line.left and not row.in_lanes else None


# From line to line: all of them in turn, in case one was left behind. What a person takes out of the lanes leaves a line that
# nothing else would look at.
_WAITING_SQL = """
with recursive hop as (
  (select line_id from cases where parked and line_id is not null and lane is not null and line_id > %(after)s order by line_id limit 1)
  union all
  select n.* from hop h cross join lateral (
    select c.line_id from cases c where c.parked and c.line_id is not null and c.lane is not null and c.line_id > h.line_id
    order by c.line_id limit 1
  ) n
)
select line_id from hop limit %(most)s
"""
# A line that nobody needs: its limit is asked for it again when a case comes.
_CLEAN_SQL = f"""
with old as materialized (
  select l.id from limit_lines l join limits m on m.id = l.limit_id
  where l.id > %(after)s and m.key is not null order by l.id limit %(most)s for update of l skip locked
), gone as (
  delete from limit_lines l using old o where l.id = o.id and (l.paid_until is null or l.paid_until < {NOW} - interval '1 second') and l.next_at is null
    and not exists (select from limit_holds h where h.line_id = l.id)
    and not exists (select from cases c where c.line_id = l.id and c.parked and c.lane is not null)
)
select max(id::text)::uuid as last, count(*) as seen from old
"""
LOOKED_AT = 500
FIRST_LINE = UUID(int=0)


def waiting(tx: Tx, after: UUID) -> list[UUID]:
    """The next lines in which cases wait."""
    found = [row.line_id for row in tx.sql(_WAITING_SQL, {"after": after, "most": LOOKED_AT})]
    if found:
        tx.sql(_ADD_SQL, {"lines": found})
    return found


def clean(tx: Tx, after: UUID) -> UUID:
    """Delete those of the next lines that nobody needs; returns where to go on."""
    row = tx.sql(_CLEAN_SQL, {"after": after, "most": LOOKED_AT}).one()
    return row.last if row.seen == LOOKED_AT else FIRST_LINE
