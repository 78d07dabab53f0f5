"""Which consumers have something to claim: their locks, and their free slots."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from casework.core.capacity import Pair
from casework.core.lifecycle import Lane
from casework.core.model import AgentId, AgentKind, QueueId, QueueMode
from casework.core.plan import Opening, free_slots
from casework.store.bound import IN_SLOT, STOPPING
from casework.store.candidates import Probe
from casework.store.connection import Asked, Rows
from casework.store.database import NOW, Tx
from casework.store.literals import ANYONE

# Whether a case is ready for a consumer.
_HAS_READY = f"""exists (
    select from unnest(array[{{consumer}}.agent_id, '{ANYONE}'::uuid]) as f (reserved_for), unnest('{{{{{",".join(str(int(lane)) for lane in Lane)}}}}}'::smallint[]) as l (lane),
      lateral (
        select from cases k
        where k.queue_id = {{consumer}}.queue_id and k.reserved_for = f.reserved_for and k.lane = l.lane and not k.parked and k.ready_at <= {NOW}
        order by k.ready_at, k.id limit 1
      ) hit
    where (f.reserved_for = {{consumer}}.agent_id or {{consumer}}.trigger) and ({{mode}} = '{QueueMode.ACTIVE}' or l.lane = {Lane.RESUMED:d})
  )"""


# Which consumers could do something: those that are known to, and others that are looked at. One probe of the claim index for
# each lane, stopping at the first hit, so that neither the backlog nor cases that are not ready cost anything. A draining queue
# only resumes. Materialized, because the planner would probe the lanes of the known consumers first and leave them out then.
def _ready(looked_at: str) -> str:
    return f"""
with asked as materialized (
  select c.queue_id, c.agent_id, c.trigger, q.mode
  from consumers c join queues q on q.id = c.queue_id join agents a on a.id = c.agent_id
  where {looked_at} and q.mode <> '{QueueMode.PAUSED}' and a.kind = any(%(kinds)s::text[])
    and not exists (select from unnest(%(known_queues)b::uuid[], %(known_agents)b::uuid[]) k where (c.queue_id, c.agent_id) = (k.*))
), ready as materialized (
  select a.queue_id, a.agent_id from asked a
  where {_HAS_READY.format(consumer="a", mode="a.mode")}
  union all select * from unnest(%(known_queues)b::uuid[], %(known_agents)b::uuid[])
)"""


# A consumer that another tick holds is that tick's to serve. The queue's row is locked too, and shared: pausing
# updates it, so pausing waits for claims under way, and a claim that comes after it sees the pause.
#
# A claim that is only sent need not wait for the disk (0.3 of its 3 ms): a crash of the server that undoes it leaves a
# message that finds no run, and the start of the run waits for the disk, and so for the claim too.
def _lock_sql(looked_at: str) -> str:
    return f"""{_ready(looked_at)}
select case when %(sent)s then set_config('synchronous_commit', 'off', true) end as flush, c.queue_id, c.agent_id, c.trigger, c.concurrency,
  c.weight, a.worker_group, c.limited, c.slots_counted_since, q.mode, coalesce(%(now)s, clock_timestamp()) as now
from consumers c join queues q on q.id = c.queue_id join agents a on a.id = c.agent_id
where (c.queue_id, c.agent_id) in (select queue_id, agent_id from ready) and q.mode <> '{QueueMode.PAUSED}'
order by c.queue_id, c.agent_id
for update of c skip locked for share of q skip locked
"""


_LOCK_OF_AGENT_SQL = _lock_sql("c.agent_id = %(agent_id)s")
_LOCK_OF_QUEUES_SQL = _lock_sql("c.queue_id = any(%(queues)b::uuid[])")

# A look around, over all queues: from lane to lane in the claim index, each hop to the first case of the next lane that has
# any. So queues without cases cost nothing, and `most` bounds the rest: the next look goes on where this one ended. What was
# set aside and has become ready since the last look is found by its time, however many lanes there are.
_HOP = """
select c.queue_id, c.reserved_for, c.lane, c.ready_at from cases c
where c.lane is not null and not c.parked and (c.queue_id, c.reserved_for, c.lane) > ({queue}, {reserved_for}, {lane})
order by c.queue_id, c.reserved_for, c.lane, c.ready_at, c.id limit 1
"""
_LOOK_SQL = f"""
with recursive hop as (
  ({_HOP.format(queue="%(queue)s::uuid", reserved_for="%(reserved_for)s::uuid", lane="%(lane)s::smallint")})
  union all
  select n.* from hop h cross join lateral ({_HOP.format(queue="h.queue_id", reserved_for="h.reserved_for", lane="h.lane")}) n
), passed as materialized (
  select * from hop limit %(most)s
), due as materialized (
  select d.queue_id, d.reserved_for, d.lane, d.ready_at from cases d
  where d.lane is not null and d.ready_at > d.created_at and d.ready_at > %(since)s and d.ready_at <= {NOW} order by d.ready_at limit %(most_due)s
), found as (
  select distinct c.queue_id, c.agent_id from (select * from passed union all select * from due) l
  join queues q on q.id = l.queue_id
  join consumers c on c.queue_id = l.queue_id and (c.agent_id = l.reserved_for or (c.trigger and l.reserved_for = '{ANYONE}'))
  join agents a on a.id = c.agent_id
  where l.ready_at <= {NOW} and a.kind = any(%(kinds)s::text[])
    and (q.mode = '{QueueMode.ACTIVE}' or (q.mode = '{QueueMode.DRAINING}' and l.lane = {Lane.RESUMED:d}))
)
select queue_id, agent_id, null::uuid as reserved_for, null::smallint as lane, {NOW} as now from found
union all
(select queue_id, null, reserved_for, lane, {NOW} from passed offset greatest(%(most)s - 1, 0))
union all
(select null, null, null, null, {NOW} where exists (select from limits) or exists (select from cases where parked and line_id is not null and lane is not null))
"""
MOST_LANES = 64
_MOST_DUE = 1000

# The same probe for agents that wait together, which locks nothing: whoever claims looks again, under the lock.
_WITH_WORK_SQL = f"""
select distinct c.agent_id from consumers c join queues q on q.id = c.queue_id
where c.agent_id = any(%(agent_ids)b::uuid[]) and q.mode <> '{QueueMode.PAUSED}' and {_HAS_READY.format(consumer="c", mode="q.mode")}
"""

# Counted in a statement of its own, after the lock was obtained: its snapshot then holds the claims of whoever had the
# lock before. Counting in the locking statement reads the older snapshot, and two claimers both see free slots. LATERAL,
# because the planner takes the index of bound cases for as small as their number, and would read all of it. Who has no limit is
# not counted.
_USED_SQL = f"""
select w.queue_id, w.agent_id, u.claimed + s.stopping as used, u.oldest
from unnest(%(queues)b::uuid[], %(agents)b::uuid[]) as k (queue_id, agent_id)
join consumers w on w.queue_id = k.queue_id and w.agent_id = k.agent_id and w.concurrency is not null
cross join lateral (
  select count(*) as claimed, min(b.claimed_at) as oldest from cases b
  where b.queue_id = w.queue_id and b.run_agent_id = w.agent_id and {IN_SLOT}
    and b.claimed_at >= coalesce(w.slots_counted_since, '-infinity')
) u cross join lateral (
  select count(*) as stopping from runs r where r.queue_id = w.queue_id and r.agent_id = w.agent_id and {STOPPING}
) s
"""

# Cases whose runs ended stay in the index of bound ones until they are vacuumed, so that counting has a beginning: none that was
# claimed before holds a slot. Who writes it holds the consumer, and no claim made under that lock is earlier.
_COUNT_FROM_SQL = """
update consumers c set slots_counted_since = w.slots_counted_since
from unnest(%(queues)b::uuid[], %(agents)b::uuid[], %(slots_counted_since)b::timestamptz[]) as w (queue_id, agent_id, slots_counted_since)
where c.queue_id = w.queue_id and c.agent_id = w.agent_id
"""
RECOUNT_AFTER = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Held:
    """A consumer that this transaction has locked, and how many runs it may start."""

    opening: Opening
    mode: QueueMode
    now: datetime
    """When what it claims is claimed: the moment of the lock, and never before what its slots are counted from."""
    limited: bool = False
    """Whether limits of its queue or agent bound what it claims."""

    def probes(self) -> list[Probe]:
        """The lanes it may claim from."""
        opening = self.opening
        lanes = list(Lane) if self.mode is QueueMode.ACTIVE else [Lane.RESUMED]
        own = [Probe(opening.queue_id, opening.agent_id, lane) for lane in lanes]
        shared = [Probe(opening.queue_id, None, lane) for lane in lanes if lane is not Lane.RESUMED]
        return own + shared if opening.trigger else own


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def lock(
    tx: Tx,
    kinds: Sequence[AgentKind],
    most: int,
    *,
    agent_id: AgentId | None = None,
    queues: Collection[UUID] = (),
    known: Sequence[Pair] = (),
    sent: bool = False,
    besides: Sequence[Asked] = (),
) -> tuple[list[Held], list[Rows]]:
    """Lock consumers of agents of these kinds that have something to claim and that no other tick holds, and count their free
    slots, up to `most` of each.

    They are looked for among the consumers of these `queues`, or of an agent. `known` are (queue, agent) pairs that are taken to
    have something, and are not looked at. `sent` says that this transaction starts nothing: what it claims is sent to workers
    afterwards. `besides` are statements to send along, whose rows are returned too.
    """
    asked: dict[str, Any] = {"agent_id": agent_id} if agent_id else {"queues": list(queues)}
    statement = _LOCK_OF_AGENT_SQL if agent_id else _LOCK_OF_QUEUES_SQL
    locking = statement, {**asked, **_kinds(kinds), **_known(known), "sent": sent}
    counting = [(_USED_SQL, as_arrays(known))] if known else []
    locked, *others = tx.together(locking, *counting, *besides)
    used = {(row.queue_id, row.agent_id): row for row in (others.pop(0) if counting else ())}
    limited = [row for row in locked if row.concurrency is not None]
    uncounted = [pair for row in limited if (pair := (row.queue_id, row.agent_id)) not in used]
    if uncounted:
        used |= {(row.queue_id, row.agent_id): row for row in tx.sql(_USED_SQL, as_arrays(uncounted))}
    _count_from(tx, limited, used)
    return [_held(row, used.get((row.queue_id, row.agent_id)), most) for row in locked], others


LaneKey = tuple[UUID, UUID, int]
FIRST_LANE: LaneKey = UUID(int=0), UUID(int=0), -1


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look around found."""

    pairs: list[Pair]
    """Consumers with something to claim, whether or not they have a free slot."""
    now: datetime
    next: LaneKey
    """Where the next look goes on."""
    has_limits: bool
    """Whether the installation has limits beside those of consumers."""


def look_around(
    tx: Tx, kinds: Sequence[AgentKind], *, since: datetime, after: LaneKey = FIRST_LANE, most: int = MOST_LANES
) -> Seen:
    """Look for consumers with something to claim, in at most `most` lanes that follow `after`, and wherever something has
    become ready `since` that moment. Locks nothing."""
    queue, reserved_for, lane = after
    values = {"queue": queue, "reserved_for": reserved_for, "lane": lane, "most": most, "most_due": _MOST_DUE}
    rows = tx.sql(_LOOK_SQL, {**values, **_kinds(kinds), "since": since}).all()
    last = [(row.queue_id, row.reserved_for, row.lane) for row in rows if row.lane is not None]
    pairs = [(row.queue_id, row.agent_id) for row in rows if row.agent_id is not None]
    has_limits = any(row.queue_id is None for row in rows)
    return Seen(pairs, rows[0].now if rows else since, last[0] if last else FIRST_LANE, has_limits)


def with_work(tx: Tx, agent_ids: Iterable[AgentId]) -> set[AgentId]:
    """Those of the agents for which a case is ready, whether or not they have a free slot. Locks nothing."""
    return {AgentId(row.agent_id) for row in tx.sql(_WITH_WORK_SQL, {"agent_ids": list(agent_ids)})}


def _kinds(kinds: Sequence[AgentKind]) -> dict[str, Any]:
    return {"kinds": [str(kind) for kind in kinds]}


def _known(pairs: Sequence[Pair]) -> dict[str, Any]:
    return {f"known_{name}": ids for name, ids in as_arrays(pairs).items()}


def as_arrays(pairs: Sequence[Pair]) -> dict[str, list[UUID]]:
    """The parameters `queues` and `agents`."""
    return {"queues": [pair[0] for pair in pairs], "agents": [pair[1] for pair in pairs]}


def _held(row: Any, used: Any, most: int) -> Held:
    slots = free_slots(concurrency=row.concurrency, used=used.used if used else 0, most=most)
    queue, agent = QueueId(row.queue_id), AgentId(row.agent_id)
    opening = Opening(queue, agent, row.trigger, slots, row.weight, row.worker_group)
    return Held(opening, QueueMode(row.mode), max(row.now, row.slots_counted_since or _LONG_AGO), row.limited)


def _count_from(tx: Tx, locked: Iterable[Any], used: Mapping[Pair, Any]) -> None:
    """Bring the beginnings of counts forward that have fallen behind."""
    pairs, moments = [], []
    for row in locked:
        pair = row.queue_id, row.agent_id
        oldest = used[pair].oldest or row.now
        if oldest >= (row.slots_counted_since or _LONG_AGO) + RECOUNT_AFTER:
            pairs.append(pair)
            moments.append(oldest)
    if pairs:
        tx.sql(_COUNT_FROM_SQL, {**as_arrays(pairs), "slots_counted_since": moments})
