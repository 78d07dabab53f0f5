"""What a tick reads and locks before it claims. The claim itself writes a status, and stands in `transitions`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from casework.core.model import AgentId, AgentKind, CaseId, QueueId, QueueMode
from casework.core.plan import Candidate, Lane, Opening, free_slots
from casework.store.database import Tx
from casework.store.tables import ANYONE

# Which consumers could do something: one probe of the claim index for each lane, stopping at the first hit, so that
# neither the backlog nor cases that are not ready cost anything. A draining queue only resumes.
_READY_SQL = f"""
select c.queue_id, c.agent_id
from consumers c join queues q on q.id = c.queue_id join agents a on a.id = c.agent_id
where q.mode <> '{QueueMode.PAUSED}' and a.kind = any(%(kinds)s) and (%(agent_id)s::uuid is null or c.agent_id = %(agent_id)s)
  and exists (
    select from unnest(array[c.agent_id, '{ANYONE}'::uuid]) as f (claim_for), unnest('{{{",".join(str(int(lane)) for lane in Lane)}}}'::smallint[]) as l (lane),
      lateral (
        select from cases k
        where k.queue_id = c.queue_id and k.claim_for = f.claim_for and k.lane = l.lane and k.ready_at <= %(now)s
        order by k.ready_at, k.id limit 1
      ) hit
    where (f.claim_for = c.agent_id or c.trigger) and (q.mode = '{QueueMode.ACTIVE}' or l.lane = {Lane.RESUMED:d})
  )
order by c.queue_id, c.agent_id
"""

# A consumer that another tick holds is that tick's to serve. The queue's row is locked too, and shared: pausing
# updates it, so pausing waits for claims under way, and a claim that comes after it sees the pause.
_LOCK_SQL = f"""
select c.queue_id, c.agent_id, c.trigger, c.concurrency, q.mode
from consumers c join queues q on q.id = c.queue_id
where (c.queue_id, c.agent_id) in (select * from unnest(%(queues)s::uuid[], %(agents)s::uuid[])) and q.mode <> '{QueueMode.PAUSED}'
order by c.queue_id, c.agent_id
for update of c skip locked for share of q skip locked
"""

# Counted in a statement of its own, after the lock was obtained: its snapshot then holds the claims of whoever had the
# lock before. Counting in the locking statement reads the older snapshot, and two claimers both see free slots.
_USED_SQL = """
select w.queue_id, w.agent_id, count(*) filter (where r.status = 'pending') as pending, count(*) filter (where r.status = 'running') as running
from unnest(%(queues)s::uuid[], %(agents)s::uuid[]) as w (queue_id, agent_id)
join runs r on r.queue_id = w.queue_id and r.agent_id = w.agent_id and r.holds_slot
group by 1, 2
"""

# LIMIT is a literal: as a parameter, the planner guesses a tenth of the table and may leave the index.
_CANDIDATES_SQL = """
select w.queue_id, w.claim_for, w.lane, k.id, k.ready_at
from unnest(%(queues)s::uuid[], %(fors)s::uuid[], %(lanes)s::smallint[]) as w (queue_id, claim_for, lane)
cross join lateral (
  select c.id, c.ready_at from cases c
  where c.queue_id = w.queue_id and c.claim_for = w.claim_for and c.lane = w.lane and c.ready_at <= %(now)s
  order by c.ready_at, c.id limit {limit}
) k
"""

_LIMITS = (1, 10, 100, 1000)


@dataclass(frozen=True, slots=True)
class Probe:
    """One lane of one queue, of one agent's own cases or of everybody's."""

    queue_id: QueueId
    agent_id: AgentId | None
    lane: Lane


@dataclass(frozen=True, slots=True)
class Held:
    """A consumer that this transaction has locked, and how many runs it may start."""

    opening: Opening
    mode: QueueMode

    def probes(self) -> list[Probe]:
        """The lanes it may claim from."""
        opening = self.opening
        lanes = list(Lane) if self.mode is QueueMode.ACTIVE else [Lane.RESUMED]
        own = [Probe(opening.queue_id, opening.agent_id, lane) for lane in lanes]
        shared = [Probe(opening.queue_id, None, lane) for lane in lanes if lane is not Lane.RESUMED]
        return own + shared if opening.trigger else own


Pair = tuple[UUID, UUID]


def ready_consumers(tx: Tx, now: datetime, kind: AgentKind, agent_id: AgentId | None = None) -> list[Pair]:
    """The (queue, agent) pairs that have something to claim, whether or not they have a free slot."""
    rows = tx.sql(_READY_SQL, {"now": now, "kinds": [str(kind)], "agent_id": agent_id})
    return [(row.queue_id, row.agent_id) for row in rows]


def lock_consumers(tx: Tx, pairs: Sequence[Pair], outstanding: int) -> list[Held]:
    """Lock those consumers that no other tick holds, and count their free slots."""
    values = {"queues": [pair[0] for pair in pairs], "agents": [pair[1] for pair in pairs]}
    locked = tx.sql(_LOCK_SQL, values).all()
    if not locked:
        return []
    used = {(row.queue_id, row.agent_id): (row.pending, row.running) for row in tx.sql(_USED_SQL, values)}
    held = []
    for row in locked:
        pending, running = used.get((row.queue_id, row.agent_id), (0, 0))
        slots = free_slots(concurrency=row.concurrency, pending=pending, running=running, outstanding=outstanding)
        held.append(
            Held(Opening(QueueId(row.queue_id), AgentId(row.agent_id), row.trigger, slots), QueueMode(row.mode))
        )
    return held


def candidates(tx: Tx, probes: Iterable[Probe], now: datetime, most: int) -> list[Candidate]:
    """The first cases of each lane that are ready at `now`: at least `most` of each, where there are that many."""
    distinct = list(dict.fromkeys(probes))
    limit = next((size for size in _LIMITS if size >= most), _LIMITS[-1])
    rows = tx.sql(
        _CANDIDATES_SQL.format(limit=limit),
        {
            "queues": [probe.queue_id for probe in distinct],
            "fors": [probe.agent_id or ANYONE for probe in distinct],
            "lanes": [int(probe.lane) for probe in distinct],
            "now": now,
        },
    )
    return [
        Candidate(
            row.lane,
            row.ready_at,
            CaseId(row.id),
            QueueId(row.queue_id),
            None if row.claim_for == ANYONE else AgentId(row.claim_for),
        )
        for row in rows
    ]
