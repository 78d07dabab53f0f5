"""The lines of limits: locked and counted by whoever claims, and served by ticks, which let the heads of lines into the lanes.

Locks are taken in one order: consumers, lines by their ids, cases. A line in which a case waits is its limit and the value of the
limit's key, hashed, so that a case can stand in a line that has no row yet: then nobody waits for the transaction that adds it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from casework.core.limits import Bounds, Gates, Line, Rate
from casework.core.model import AgentId, CaseId, LimitId, LineId, QueueId, RunId
from casework.store.database import NOW, Tx
from casework.store.literals import ANYONE, same_status

_HAS_SLOT = "r.id = h.run_id and r.attempt = h.attempt and r.holds_slot"
COUNTING = f"limit_holds h join runs r on {_HAS_SLOT}"
"""Holds `h` that count against their line, with their runs `r`: those whose attempt has a slot."""

HAS_ENDED = f"not exists (select from runs r where {_HAS_SLOT})"
"""The condition that a hold `h` counts no more. Whoever counts deletes it."""

# A list, an object, null, and what is missing are no values: the limit does not bind such a case. Of several labels with that
# key, the first counts.
VALUE = """case when l.key is null then ''
  when starts_with(l.key, 'label:') then (
    select min(v.value) from case_labels cv join labels v on v.id = cv.label_id where cv.case_id = c.id and v.key = substr(l.key, 7))
  when json_typeof(c.data #> string_to_array(substr(l.key, 6), '.')) in ('string', 'number', 'boolean')
    then c.data #>> string_to_array(substr(l.key, 6), '.')
end"""
LINE_ID = "encode(substring(sha256(convert_to({limit}::text || ':' || {value}, 'UTF8')) from 1 for 16), 'hex')::uuid"
SHOWN_CHARACTERS = 200

STANDS_BEFORE = f"(c.reserved_for = '{ANYONE}' or c.ready_at > {NOW} - interval '10 seconds')"
"""The condition that others of its line wait for a case `c` in the lanes. What one agent alone may take does not hold them up for
long: that agent may have no slot for hours."""

# Read under the consumers' locks, which whoever changes a limit takes too.
_COVERING_SQL = f"""
select l.id, l.queue_id, l.agent_id, l.key, l.concurrency, l.rate_count, l.rate_seconds, l.rate_burst,
  case when l.key is null then {LINE_ID.format(limit="l.id", value="''")} end as line_id,
  array(
    select s.queue_id from consumers s where s.queue_id = any(%(queues)b::uuid[]) and s.agent_id = l.agent_id and s.trigger
      and not exists (select from consumers o where o.queue_id = s.queue_id and o.trigger and o.agent_id <> s.agent_id)
  ) as sole_queues
from limits l
where (l.queue_id is null or l.queue_id = any(%(queues)b::uuid[])) and (l.agent_id is null or l.agent_id = any(%(agents)b::uuid[]))
order by l.id
"""


@dataclass(frozen=True, slots=True)
class Covering:
    """A limit that bounds what a claim may do."""

    id: LimitId
    queue_id: QueueId | None
    agent_id: AgentId | None
    is_keyed: bool
    bounds: Bounds
    line_id: LineId | None
    sole_queues: frozenset[QueueId]


def bounds_of(row: Any) -> Bounds:
    """What a row of limits permits."""
    rate = Rate(row.rate_count, row.rate_seconds, row.rate_burst) if row.rate_count else None
    return Bounds(row.concurrency, rate)


def covering(tx: Tx, queues: Collection[UUID], agents: Collection[UUID]) -> list[Covering]:
    """The limits that bound these consumers, which the transaction has locked."""
    rows = tx.sql(_COVERING_SQL, {"queues": list(queues), "agents": list(agents)})
    return [
        Covering(
            row.id,
            row.queue_id,
            row.agent_id,
            row.key is not None,
            bounds_of(row),
            row.line_id,
            frozenset(row.sole_queues),
        )
        for row in rows
    ]


# Adding waits for another claim that adds the same line, so lines are added in one order.
_FIND_SQL = f"""
with found as materialized (
  select c.id as case_id, l.id as limit_id, {VALUE} as value
  from unnest(%(cases)b::uuid[]) as w (case_id) join cases c on c.id = w.case_id
  join limits l on l.id = any(%(limits)b::uuid[]) and (l.queue_id is null or l.queue_id = c.queue_id)
    and (l.agent_id is null or c.reserved_for in (l.agent_id, '{ANYONE}'))
), placed as materialized (
  select case_id, limit_id, value, {LINE_ID.format(limit="limit_id", value="value")} as line_id from found where value is not null
), added as (
  insert into limit_lines (id, limit_id, value)
  select distinct on (p.line_id) p.line_id, p.limit_id, left(p.value, {SHOWN_CHARACTERS}) from placed p
  where not exists (select from limit_lines o where o.id = p.line_id) order by p.line_id
  on conflict do nothing
)
select case_id, limit_id, line_id from placed
"""
_LOCK_SQL = "select id from limit_lines where id = any(%(lines)b::uuid[]) order by id for update"

# In a statement of its own, after the lock: its snapshot holds the claims of whoever had the lock before. A hold whose attempt
# has no slot any more can get none again without the line's lock.
COUNT_SQL = f"""
with ended as (
  delete from limit_holds h where h.line_id = any(%(lines)b::uuid[])
    and {HAS_ENDED}
)
select l.id, l.limit_id, l.paid_until, coalesce(%(now)s::timestamptz, clock_timestamp()) as now, m.queue_id, m.agent_id, m.key is not null as is_keyed,
  m.concurrency, m.rate_count, m.rate_seconds, m.rate_burst,
  (select count(*) from {COUNTING} where h.line_id = l.id) as used,
  m.key is not null and exists (select from cases c where c.parked and c.line_id = l.id and c.lane is not null) as waits,
  case when %(lanes)s then
    (select count(*) from (
      select from cases c where not c.parked and c.line_id = l.id and c.lane is not null and c.ready_at <= {NOW} and {STANDS_BEFORE} limit 1000) s)
  else 0 end as in_lanes,
  m.agent_id is not null and exists (
    select from cases c join consumers o on o.queue_id = c.queue_id and o.trigger and o.agent_id <> m.agent_id
    where c.parked and c.line_id = l.id and c.lane is not null and c.reserved_for = '{ANYONE}'
  ) as shared
from unnest(%(lines)b::uuid[]) as w (id) join limit_lines l on l.id = w.id join limits m on m.id = l.limit_id
"""


def before(tx: Tx, limits: Sequence[Covering], cases: Mapping[CaseId, QueueId], at: datetime) -> Gates:
    """Lock the lines that the candidates of a claim have to pass, and count what they let through."""
    keyed = {limit.id: limit for limit in limits if limit.is_keyed}
    plain = [limit for limit in limits if not limit.is_keyed]
    found = tx.sql(_FIND_SQL, {"cases": list(cases), "limits": list(keyed)}).all() if keyed else []
    ids = {row.line_id: keyed[row.limit_id] for row in found}
    ids |= {limit.line_id: limit for limit in plain if limit.line_id}
    counted = {row.id: row for row in count(tx, ids)}
    lines = {id: _line(id, limit, counted.get(id), at) for id, limit in ids.items()}
    lines_of: dict[CaseId, list[Line]] = {
        case: [lines[limit.line_id] for limit in plain if limit.line_id and limit.queue_id in (None, queue)]
        for case, queue in cases.items()
    }
    for row in found:
        lines_of[row.case_id].append(lines[row.line_id])
    return Gates(lines_of)


def count(tx: Tx, ids: Collection[UUID]) -> list[Any]:
    """Lock lines, and count what they let through. A line that was deleted meanwhile is missing."""
    values = {"lines": sorted(ids), "lanes": False}
    return tx.together((_LOCK_SQL, values), (COUNT_SQL, values))[1].all()


def _line(id: UUID, limit: Covering, row: Any | None, at: datetime) -> Line:
    return Line(
        LineId(id),
        limit.id,
        limit.bounds,
        used=row.used if row else 0,
        paid_until=row.paid_until if row else None,
        now=row.now if row else at,
        is_keyed=limit.is_keyed,
        agent_id=limit.agent_id,
        sole_queues=limit.sole_queues,
        waits=bool(row and row.waits),
        is_gone=row is None,
    )


# A case that a person is at is left to the next round: a claim never waits for a case while it holds locks.
_SETTLE_SQL = f"""
with held as (
  insert into limit_holds (line_id, run_id, attempt)
  select * from unnest(%(held_lines)b::uuid[], %(runs)b::uuid[], %(attempts)s::int[])
  on conflict (line_id, run_id) do update set attempt = excluded.attempt
), free as (
  select c.id, w.line_id from unnest(%(parked)b::uuid[], %(parked_lines)b::uuid[]) as w (id, line_id) join cases c on c.id = w.id
  where (c.lane is not null and not c.parked and c.ready_at <= %(at)s) is true
  for no key update of c skip locked
), parked as (
  update cases c set parked = true, line_id = f.line_id, {same_status("c")} from free f where c.id = f.id
), paid as (
  update limit_lines l set paid_until = n.paid_until, next_at = n.next_at
  from unnest(%(lines)b::uuid[], %(paid)s::timestamptz[], %(next)s::timestamptz[]) as n (id, paid_until, next_at)
  where l.id = n.id and (l.paid_until, l.next_at) is distinct from (n.paid_until, n.next_at)
)
select count(*) from free
"""


def settle(
    tx: Tx,
    gates: Gates,
    claimed: Sequence[tuple[RunId, int, Sequence[Line]]],
    parked: Mapping[CaseId, LineId],
    at: datetime,
) -> int:
    """Write what a claim did to its lines: the attempts that passed, what they paid, and the cases that have to wait. Returns how
    many of these left the lanes."""
    holds = [(line.id, run_id, attempt) for run_id, attempt, lines in claimed for line in lines]
    waiting = set(parked.values())
    lines = gates.all_lines()
    for line in lines:
        line.waits = line.waits or line.id in waiting
    left: int = tx.sql(
        _SETTLE_SQL,
        {
            "held_lines": [hold[0] for hold in holds],
            "runs": [hold[1] for hold in holds],
            "attempts": [hold[2] for hold in holds],
            "parked": list(parked),
            "parked_lines": list(parked.values()),
            "at": at,
            "lines": [line.id for line in lines],
            "paid": [line.paid_after() for line in lines],
            "next": [line.next_at() for line in lines],
        },
    ).scalar_one()
    return left
