"""What an operator's look at a queue reads: what waits in it, for whom, and who holds its slots."""

from dataclasses import dataclass
from datetime import datetime

from casework.core.model import AgentId, QueueId
from casework.core.plan import Lane
from casework.store.agents import IS_DISPATCHED
from casework.store.database import Tx
from casework.store.tables import ANYONE


@dataclass(frozen=True, slots=True)
class Waiting:
    """Cases of a queue that are ready for the same consumers; an agent_id of None is whoever has its trigger on."""

    agent_id: AgentId | None
    resumed: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Slots:
    """The runs of an agent that hold its slots in a queue."""

    pending: int
    running: int
    pending_since: datetime | None
    sends: int


def waiting(tx: Tx, queue_id: QueueId, until: datetime) -> list[Waiting]:
    """What was ready by that moment and is not claimed, that which waits longest first."""
    rows = tx.sql(
        f"""
        select claim_for, lane = {Lane.RESUMED:d} as resumed, min(ready_at) as since from cases
        where queue_id = %(queue_id)s and lane is not null and ready_at <= %(until)s group by 1, 2 order by 3, 1, 2
        """,
        {"queue_id": queue_id, "until": until},
    )
    return [
        Waiting(None if row.claim_for == ANYONE else AgentId(row.claim_for), row.resumed, row.since) for row in rows
    ]


def slots(tx: Tx, queue_id: QueueId) -> dict[AgentId, Slots]:
    """The slots of a queue that are in use, by agent."""
    rows = tx.sql(
        """
        select agent_id, count(*) filter (where status = 'pending') as pending,
          count(*) filter (where status = 'running') as running,
          min(claimed_at) filter (where status = 'pending') as pending_since,
          coalesce(max(sends) filter (where status = 'pending'), 0) as sends
        from runs where queue_id = %(queue_id)s and holds_slot group by agent_id
        """,
        {"queue_id": queue_id},
    )
    return {AgentId(row.agent_id): Slots(row.pending, row.running, row.pending_since, row.sends) for row in rows}


def last_taken(tx: Tx, queue_id: QueueId) -> dict[AgentId, datetime]:
    """When each agent was last given a case of the queue, or began with one: of its live runs and the newest others."""
    rows = tx.sql(
        """
        select agent_id, max(greatest(claimed_at, started_at)) as taken_at from (
          (select agent_id, claimed_at, started_at from runs where queue_id = %(queue_id)s order by id desc limit 1000)
          union all select agent_id, claimed_at, started_at from runs where queue_id = %(queue_id)s and holds_slot
        ) r group by agent_id
        """,
        {"queue_id": queue_id},
    )
    return {AgentId(row.agent_id): row.taken_at for row in rows}


def blocked(tx: Tx, queue_id: QueueId, until: datetime) -> int:
    """How many cases that were ready by that moment wait for a former run, which was asked to stop and has not."""
    count: int = tx.sql(
        """
        select count(*) from runs r join cases c on c.id = r.case_id
        where r.queue_id = %(queue_id)s and r.holds_slot and r.id is distinct from c.run_id
          and c.lane is not null and c.ready_at <= %(until)s
        """,
        {"queue_id": queue_id, "until": until},
    ).scalar_one()
    return count


def running_elsewhere(tx: Tx, queue_id: QueueId) -> int:
    """How many runs of other queues workers execute."""
    count: int = tx.sql(
        f"""
        select count(*) from runs r join agents a on a.id = r.agent_id
        where r.holds_slot and r.status = 'running' and r.queue_id <> %(queue_id)s and {IS_DISPATCHED}
        """,
        {"queue_id": queue_id},
    ).scalar_one()
    return count
