"""Queues, and the agents connected to them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.exc import IntegrityError

from casework.core.lifecycle import CaseStatus
from casework.core.model import AgentId, Consumer, Queue, QueueId, QueueMode, QueueStats, TeamId
from casework.errors import NameTaken
from casework.store import counters, runs
from casework.store.database import Tx
from casework.store.ids import new_id
from casework.store.tables import agents, cases, consumers, queues


def _queue(row: Any) -> Queue:
    return Queue(**{**row._asdict(), "mode": QueueMode(row.mode)})


def create(tx: Tx, team_id: TeamId, name: str, description: str | None) -> Queue:
    """Create a queue. Raises NameTaken."""
    statement = (
        insert(queues).values(id=new_id(), team_id=team_id, name=name, description=description).returning(queues)
    )
    try:
        with tx.connection.begin_nested():
            return _queue(tx.execute(statement).one())
    except IntegrityError as error:
        raise NameTaken(f"There is a queue named {name!r} already.") from error


def find_one(tx: Tx, team_id: TeamId, *, id: UUID | None = None, name: str | None = None) -> Queue | None:
    """The team's queue with that id or that name."""
    statement = select(queues).where(queues.c.team_id == team_id, queues.c.id == id if id else queues.c.name == name)
    row = tx.execute(statement).one_or_none()
    return _queue(row) if row else None


def find(tx: Tx, team_id: TeamId) -> list[Queue]:
    """The team's queues, by name."""
    return [
        _queue(row) for row in tx.execute(select(queues).where(queues.c.team_id == team_id).order_by(queues.c.name))
    ]


def change(tx: Tx, queue_id: QueueId, changes: dict[str, Any]) -> Queue | None:
    """Change name or description; None where the queue is gone. Raises NameTaken."""
    statement = update(queues).where(queues.c.id == queue_id).values(**changes, updated_at=tx.now).returning(queues)
    try:
        with tx.connection.begin_nested():
            row = tx.execute(statement).one_or_none()
    except IntegrityError as error:
        raise NameTaken(f"There is a queue named {changes['name']!r} already.") from error
    return _queue(row) if row else None


def lock_for_adding(tx: Tx, queue_id: QueueId) -> bool:
    """Keep the queue from being deleted until this transaction ends; False where it is gone."""
    return tx.sql("select 1 from queues where id = %(id)s for key share", {"id": queue_id}).one_or_none() is not None


def set_mode(tx: Tx, queue_id: QueueId, mode: QueueMode) -> Queue | None:
    """Change the mode; waits for the claims under way, so that none follows. None where the queue is gone."""
    statement = update(queues).where(queues.c.id == queue_id).values(mode=mode, updated_at=tx.now).returning(queues)
    row = tx.execute(statement).one_or_none()
    return _queue(row) if row else None


def delete(tx: Tx, queue_id: QueueId) -> bool:
    """Delete a queue that has no cases left, with its counters; False if it is gone."""
    counters.delete(tx, queue_id)
    return tx.execute(sql_delete(queues).where(queues.c.id == queue_id)).rowcount == 1


def lock(tx: Tx, queue_id: QueueId) -> None:
    """Lock the queue's row against claims, additions and other changes, and its consumers', which its deletion takes
    along: locked then, they would come after the cases."""
    tx.execute(select(queues.c.id).where(queues.c.id == queue_id).with_for_update())
    members = select(consumers.c.agent_id).where(consumers.c.queue_id == queue_id)
    tx.execute(members.order_by(consumers.c.agent_id).with_for_update())


def stats(tx: Tx, queue_id: QueueId) -> QueueStats:
    """Cases by status, live runs by status, and since when the oldest pending case waits."""
    counted = dict.fromkeys((str(status) for status in CaseStatus), 0)
    rows = tx.execute(
        select(cases.c.status, func.count().label("n")).where(cases.c.queue_id == queue_id).group_by(cases.c.status)
    )
    counted.update({row.status: row.n for row in rows})
    oldest = select(func.min(cases.c.created_at)).where(
        cases.c.queue_id == queue_id, cases.c.status == CaseStatus.PENDING
    )
    oldest_at = tx.execute(oldest).scalar_one()
    ended = select(func.count()).where(cases.c.queue_id == queue_id, cases.c.completed_at > tx.now - timedelta(hours=1))
    age = (tx.now - oldest_at).total_seconds() if oldest_at else None
    return QueueStats(
        counted,
        runs.live_counts(tx, queue_id),
        oldest_at,
        age,
        tx.execute(ended).scalar_one(),
        counters.of_queue(tx, queue_id),
    )


def _consumer(row: Any) -> Consumer:
    return Consumer(
        QueueId(row.queue_id), AgentId(row.agent_id), row.name, row.trigger, row.concurrency, row.used_slots
    )


def consumers_of(tx: Tx, queue_id: QueueId) -> list[Consumer]:
    """The consumers of a queue, by name, with the number of their slots in use."""
    rows = tx.sql(
        """
        select c.queue_id, c.agent_id, a.name, c.trigger, c.concurrency,
          (select count(*) from runs r where r.queue_id = c.queue_id and r.agent_id = c.agent_id and r.holds_slot) as used_slots
        from consumers c join agents a on a.id = c.agent_id where c.queue_id = %(queue_id)s order by a.name
        """,
        {"queue_id": queue_id},
    )
    return [_consumer(row) for row in rows]


def is_consumer(tx: Tx, queue_id: QueueId, agent_id: AgentId) -> bool:
    """Whether the agent is connected to the queue; it stays so until the transaction ends."""
    statement = select(consumers.c.agent_id).where(consumers.c.queue_id == queue_id, consumers.c.agent_id == agent_id)
    return tx.execute(statement.with_for_update(read=True, key_share=True)).one_or_none() is not None


def set_consumer(tx: Tx, queue_id: QueueId, agent_id: AgentId, trigger: bool, concurrency: int | None) -> None:
    """Connect an agent to a queue, or change how it is connected."""
    values = {"trigger": trigger, "concurrency": concurrency}
    statement = pg_insert(consumers).values(queue_id=queue_id, agent_id=agent_id, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["queue_id", "agent_id"], set_=values))


def remove_consumer(tx: Tx, queue_id: QueueId, agent_id: AgentId) -> bool:
    """Disconnect an agent from a queue; False where it was not connected."""
    statement = sql_delete(consumers).where(consumers.c.queue_id == queue_id, consumers.c.agent_id == agent_id)
    return tx.execute(statement).rowcount == 1


def queues_of_agent(tx: Tx, agent_id: AgentId) -> list[QueueId]:
    """The queues that an agent is connected to."""
    statement = select(consumers.c.queue_id).join(agents, agents.c.id == consumers.c.agent_id)
    return [
        row[0] for row in tx.execute(statement.where(consumers.c.agent_id == agent_id).order_by(consumers.c.queue_id))
    ]
