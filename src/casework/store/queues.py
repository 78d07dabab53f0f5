"""Queues, and the agents connected to them."""

from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation

from casework.core.lifecycle import CaseStatus
from casework.core.model import AgentId, Consumer, Queue, QueueId, QueueMode, QueueStats, TeamId
from casework.core.unset import UNSET, Unset, given
from casework.errors import NameTaken
from casework.store import counters, runs
from casework.store.bound import listed_as, runs_in_slots
from casework.store.database import NOW, Tx
from casework.store.ids import new_id
from casework.store.limits import LIMITED

_COLUMNS = "id, team_id, name, description, mode, created_at, updated_at"


def _queue(row: Any) -> Queue:
    return Queue(**{**row._asdict(), "mode": QueueMode(row.mode)})


def create(tx: Tx, team_id: TeamId, name: str, description: str | None) -> Queue:
    """Create a queue. Raises NameTaken."""
    statement = f"""
        insert into queues (id, team_id, name, description, created_at, updated_at)
        values (%(id)s, %(team_id)s, %(name)s, %(description)s, {NOW}, {NOW}) returning {_COLUMNS}
    """
    try:
        return _queue(
            tx.sql(statement, {"id": new_id(), "team_id": team_id, "name": name, "description": description}).one()
        )
    except UniqueViolation as error:
        raise NameTaken(f"A queue named {name!r} already exists.") from error


def find_one(tx: Tx, team_id: TeamId, *, id: UUID | None = None, name: str | None = None) -> Queue | None:
    """The team's queue with that id or that name."""
    by = "id = %(id)s" if id else "name = %(name)s"
    row = tx.sql(
        f"select {_COLUMNS} from queues where team_id = %(team_id)s and {by}",
        {"team_id": team_id, "id": id, "name": name},
    ).one_or_none()
    return _queue(row) if row else None


def find(tx: Tx, team_id: TeamId) -> list[Queue]:
    """The team's queues, by name."""
    rows = tx.sql(f"select {_COLUMNS} from queues where team_id = %(team_id)s order by name", {"team_id": team_id})
    return [_queue(row) for row in rows]


def change(
    tx: Tx, queue_id: QueueId, *, name: str | Unset = UNSET, description: str | Unset | None = UNSET
) -> Queue | None:
    """Change what is given; None if the queue is gone. Raises NameTaken."""
    changes = given(name=name, description=description)
    assigned = "".join(f"{column} = %({column})s, " for column in changes)
    statement = f"update queues set {assigned}updated_at = {NOW} where id = %(id)s returning {_COLUMNS}"
    try:
        row = tx.sql(statement, {"id": queue_id, **changes}).one_or_none()
    except UniqueViolation as error:
        raise NameTaken(f"A queue named {name!r} already exists.") from error
    return _queue(row) if row else None


def lock_for_adding(tx: Tx, queue_id: QueueId) -> bool:
    """Keep the queue from being deleted until this transaction ends; False if it does not exist."""
    return tx.sql("select 1 from queues where id = %(id)s for key share", {"id": queue_id}).one_or_none() is not None


def lock_for_connecting(tx: Tx, queue_id: QueueId) -> bool:
    """As `lock_for_adding`; and no limit of the queue is made or changed meanwhile."""
    return tx.sql("select 1 from queues where id = %(id)s for share", {"id": queue_id}).one_or_none() is not None


def set_mode(tx: Tx, queue_id: QueueId, mode: QueueMode) -> Queue | None:
    """Change the mode; waits for the claims under way, so that none follows. None if the queue is gone."""
    row = tx.sql(
        f"update queues set mode = %(mode)s, updated_at = {NOW} where id = %(id)s returning {_COLUMNS}",
        {"id": queue_id, "mode": mode},
    ).one_or_none()
    return _queue(row) if row else None


def delete(tx: Tx, queue_id: QueueId) -> bool:
    """Delete a queue that has no cases left, with its counters; False if it is gone."""
    counters.delete(tx, queue_id)
    return tx.sql("delete from queues where id = %(id)s", {"id": queue_id}).rowcount == 1


def lock(tx: Tx, queue_id: QueueId) -> None:
    """Lock the rows of the queue and its consumers against claims, additions and other changes. Deleting the queue
    deletes its consumers, and would otherwise lock them after the cases."""
    tx.sql("select 1 from queues where id = %(id)s for update", {"id": queue_id})
    tx.sql("select 1 from consumers where queue_id = %(id)s order by agent_id for update", {"id": queue_id})


_STATS_SQL = f"""
select (select min(created_at) from cases where queue_id = %(queue_id)s and status = '{CaseStatus.PENDING}') as oldest,
  (select count(*) from cases where queue_id = %(queue_id)s and completed_at > {NOW} - interval '1 hour') as ended
"""


# Each status is counted by one of the two.
_COUNT_SQL = " union all ".join(
    f"select status, count(*) as n from cases c where queue_id = %(queue_id)s and {condition} group by status"
    for condition in listed_as("c")
)


def stats(tx: Tx, queue_id: QueueId) -> QueueStats:
    """Cases by status, live runs by status, and since when the oldest pending case waits."""
    counted = dict.fromkeys((str(status) for status in CaseStatus), 0)
    rows = tx.sql(_COUNT_SQL, {"queue_id": queue_id})
    counted.update({row.status: row.n for row in rows})
    lately = tx.sql(_STATS_SQL, {"queue_id": queue_id}).one()
    age = (tx.now - lately.oldest).total_seconds() if lately.oldest else None
    live = runs.live_counts(tx, queue_id)
    return QueueStats(counted, live, lately.oldest, age, lately.ended, counters.of_queue(tx, queue_id))


def _consumer(row: Any) -> Consumer:
    return Consumer(
        QueueId(row.queue_id), AgentId(row.agent_id), row.name, row.trigger, row.concurrency, row.used_slots, row.weight
    )


def consumers_of(tx: Tx, queue_id: QueueId) -> list[Consumer]:
    """The consumers of a queue, by name, with the number of their slots in use."""
    rows = tx.sql(
        f"""
        select c.queue_id, c.agent_id, a.name, c.trigger, c.concurrency, c.weight,
          (select count(*) from {runs_in_slots("c.queue_id")} where r.agent_id = c.agent_id) as used_slots
        from consumers c join agents a on a.id = c.agent_id where c.queue_id = %(queue_id)s order by a.name
        """,
        {"queue_id": queue_id},
    )
    return [_consumer(row) for row in rows]


def is_consumer(tx: Tx, queue_id: QueueId, agent_id: AgentId) -> bool:
    """Whether the agent is connected to the queue; it stays so until the transaction ends."""
    statement = "select 1 from consumers where queue_id = %(queue_id)s and agent_id = %(agent_id)s for key share"
    return tx.sql(statement, {"queue_id": queue_id, "agent_id": agent_id}).one_or_none() is not None


def set_consumer(
    tx: Tx, queue_id: QueueId, agent_id: AgentId, trigger: bool, concurrency: int | None, weight: float
) -> None:
    """Connect an agent to a queue, or change how it is connected."""
    tx.sql(
        f"""
        insert into consumers (queue_id, agent_id, trigger, concurrency, weight, limited, created_at)
        values (%(queue_id)s, %(agent_id)s, %(trigger)s, %(concurrency)s, %(weight)s, {LIMITED.format(queue_id="%(queue_id)s", agent_id="%(agent_id)s")}, {NOW})
        on conflict (queue_id, agent_id) do update set trigger = excluded.trigger, concurrency = excluded.concurrency, weight = excluded.weight
        """,
        {"queue_id": queue_id, "agent_id": agent_id, "trigger": trigger, "concurrency": concurrency, "weight": weight},
    )


def remove_consumer(tx: Tx, queue_id: QueueId, agent_id: AgentId) -> bool:
    """Disconnect an agent from a queue; False if it was not connected."""
    statement = "delete from consumers where queue_id = %(queue_id)s and agent_id = %(agent_id)s"
    return tx.sql(statement, {"queue_id": queue_id, "agent_id": agent_id}).rowcount == 1


def queues_of_agent(tx: Tx, agent_id: AgentId) -> list[QueueId]:
    """The queues that an agent is connected to."""
    rows = tx.sql(
        "select queue_id from consumers where agent_id = %(agent_id)s order by queue_id", {"agent_id": agent_id}
    )
    return [QueueId(row.queue_id) for row in rows]
