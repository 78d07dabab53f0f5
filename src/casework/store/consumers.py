"""Which consumers have something to claim: their locks, and their free slots."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from casework.core.lifecycle import Lane, RunStatus
from casework.core.model import AgentId, AgentKind, QueueId, QueueMode
from casework.core.plan import Opening, free_slots
from casework.store.candidates import Probe
from casework.store.connection import Rows
from casework.store.database import NOW, Tx
from casework.store.literals import ANYONE

# Whether a case is ready for a consumer.
_HAS_READY = f"""exists (
    select from unnest(array[{{consumer}}.agent_id, '{ANYONE}'::uuid]) as f (reserved_for), unnest('{{{{{",".join(str(int(lane)) for lane in Lane)}}}}}'::smallint[]) as l (lane),
      lateral (
        select from cases k
        where k.queue_id = {{consumer}}.queue_id and k.reserved_for = f.reserved_for and k.lane = l.lane and k.ready_at <= {NOW}
        order by k.ready_at, k.id limit 1
      ) hit
    where (f.reserved_for = {{consumer}}.agent_id or {{consumer}}.trigger) and ({{mode}} = '{QueueMode.ACTIVE}' or l.lane = {Lane.RESUMED:d})
  )"""

# Which consumers could do something. One probe of the claim index for each lane, stopping at the first hit,
# so that neither the backlog nor cases that are not ready cost anything. A draining queue only resumes. Materialized,
# because the planner would probe the lanes of the known consumers first and leave them out then.
_READY = f"""
with asked as materialized (
  select c.queue_id, c.agent_id, c.trigger, q.mode
  from consumers c join queues q on q.id = c.queue_id join agents a on a.id = c.agent_id
  where q.mode <> '{QueueMode.PAUSED}' and a.kind = any(%(kinds)s::text[]) and (%(agent_id)s::uuid is null or c.agent_id = %(agent_id)s)
    and not exists (select from unnest(%(known_queues)b::uuid[], %(known_agents)b::uuid[]) k where (c.queue_id, c.agent_id) = (k.*))
), ready as materialized (
  select a.queue_id, a.agent_id from asked a
  where {_HAS_READY.format(consumer="a", mode="a.mode")}
  union all select * from unnest(%(known_queues)b::uuid[], %(known_agents)b::uuid[])
)
"""

# A consumer that another tick holds is that tick's to serve. The queue's row is locked too, and shared: pausing
# updates it, so pausing waits for claims under way, and a claim that comes after it sees the pause.
#
# A claim that is only sent need not wait for the disk (0.3 of its 3 ms): a crash of the server that undoes it leaves a
# message that finds no run, and the start of the run waits for the disk, and so for the claim too.
_LOCK_SQL = f"""{_READY}
select case when %(sent)s then set_config('synchronous_commit', 'off', true) end as flush, c.queue_id, c.agent_id, c.trigger, c.concurrency,
  c.slots_counted_since, q.mode, coalesce(%(now)s, clock_timestamp()) as now
from consumers c join queues q on q.id = c.queue_id
where (c.queue_id, c.agent_id) in (select queue_id, agent_id from ready) and q.mode <> '{QueueMode.PAUSED}'
order by c.queue_id, c.agent_id
for update of c skip locked for share of q skip locked
"""

_IS_READY_SQL = f"{_READY} select exists (select from ready)"

# The same probe for agents that wait together, which locks nothing: whoever claims looks again, under the lock.
_WITH_WORK_SQL = f"""
select distinct c.agent_id from consumers c join queues q on q.id = c.queue_id
where c.agent_id = any(%(agent_ids)b::uuid[]) and q.mode <> '{QueueMode.PAUSED}' and {_HAS_READY.format(consumer="c", mode="q.mode")}
"""

# Counted in a statement of its own, after the lock was obtained: its snapshot then holds the claims of whoever had the
# lock before. Counting in the locking statement reads the older snapshot, and two claimers both see free slots. LATERAL,
# because the planner takes the index of slots for as small as the number of runs that hold one, and would read all of it.
_USED_SQL = f"""
select w.queue_id, w.agent_id, u.pending, u.running, u.oldest
from unnest(%(queues)b::uuid[], %(agents)b::uuid[]) as k (queue_id, agent_id)
join consumers w on w.queue_id = k.queue_id and w.agent_id = k.agent_id
cross join lateral (
  select count(*) filter (where r.status = '{RunStatus.PENDING}') as pending, count(*) filter (where r.status = '{RunStatus.RUNNING}') as running,
    min(r.claimed_at) as oldest
  from runs r where r.queue_id = w.queue_id and r.agent_id = w.agent_id and r.holds_slot
    and r.claimed_at >= coalesce(w.slots_counted_since, '-infinity')
) u
"""

# Runs that ended stay in the index of slots until they are vacuumed, so that counting has a beginning: no run that was
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

    def probes(self) -> list[Probe]:
        """The lanes it may claim from."""
        opening = self.opening
        lanes = list(Lane) if self.mode is QueueMode.ACTIVE else [Lane.RESUMED]
        own = [Probe(opening.queue_id, opening.agent_id, lane) for lane in lanes]
        shared = [Probe(opening.queue_id, None, lane) for lane in lanes if lane is not Lane.RESUMED]
        return own + shared if opening.trigger else own


Pair = tuple[UUID, UUID]
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def lock(
    tx: Tx,
    kinds: Sequence[AgentKind],
    outstanding: int,
    *,
    agent_id: AgentId | None = None,
    known: Sequence[Pair] = (),
    sent: bool = False,
) -> list[Held]:
    """Lock the consumers of agents of these kinds that have something to claim and that no other tick holds, and count
    their free slots.

    `known` are (queue, agent) pairs that are taken to have something, and are not looked at. `sent` says that this
    transaction starts nothing: what it claims is sent to workers afterwards.
    """
    values = {**_asked(kinds, agent_id, known), "sent": sent}
    if known:
        locked, counted = tx.together((_LOCK_SQL, values), (_USED_SQL, _as_arrays(known)))
    else:
        locked, counted = tx.sql(_LOCK_SQL, values), Rows((), 0)
    used = {(row.queue_id, row.agent_id): row for row in counted}
    others = [pair for row in locked if (pair := (row.queue_id, row.agent_id)) not in used]
    if others:
        used |= {(row.queue_id, row.agent_id): row for row in tx.sql(_USED_SQL, _as_arrays(others))}
    _count_from(tx, locked, used)
    return [_held(row, used[row.queue_id, row.agent_id], outstanding) for row in locked]


def something_is_ready(tx: Tx, kinds: Sequence[AgentKind]) -> bool:
    """Whether any agent of these kinds has something to claim. Locks nothing."""
    return bool(tx.sql(_IS_READY_SQL, _asked(kinds, None, ())).scalar_one())


def with_work(tx: Tx, agent_ids: Iterable[AgentId]) -> set[AgentId]:
    """Those of the agents for which a case is ready, whether or not they have a free slot. Locks nothing."""
    return {AgentId(row.agent_id) for row in tx.sql(_WITH_WORK_SQL, {"agent_ids": list(agent_ids)})}


def _asked(kinds: Sequence[AgentKind], agent_id: AgentId | None, known: Sequence[Pair]) -> dict[str, Any]:
    of_known = {f"known_{name}": ids for name, ids in _as_arrays(known).items()}
    return {"kinds": [str(kind) for kind in kinds], "agent_id": agent_id, **of_known}


def _as_arrays(pairs: Sequence[Pair]) -> dict[str, list[UUID]]:
    return {"queues": [pair[0] for pair in pairs], "agents": [pair[1] for pair in pairs]}


def _held(row: Any, used: Any, outstanding: int) -> Held:
    slots = free_slots(concurrency=row.concurrency, pending=used.pending, running=used.running, outstanding=outstanding)
    opening = Opening(QueueId(row.queue_id), AgentId(row.agent_id), row.trigger, slots)
    return Held(opening, QueueMode(row.mode), max(row.now, row.slots_counted_since or _LONG_AGO))


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
        tx.sql(_COUNT_FROM_SQL, {**_as_arrays(pairs), "slots_counted_since": moments})
