"""Counters of a queue: what went wrong in it. They are kept when cases are deleted. A transaction locks counters last,
and in the order of their keys. They have no foreign key to the queue, because its check would lock the queue after the
case, and deadlock with a deletion.
"""

from uuid import UUID

from casework.core.model import CounterName
from casework.store.database import Tx

# If the queue is deleted, so are its counters.
_ADD_SQL = """
insert into counters as c (queue_id, name, value)
select id, %(name)s, %(count)s from queues where id = %(queue_id)s
on conflict (queue_id, name) do update set value = c.value + excluded.value
"""


def add(tx: Tx, queue_id: UUID, counter: CounterName, count: int = 1) -> None:
    """Add to a counter of a queue."""
    tx.sql(_ADD_SQL, {"queue_id": queue_id, "name": counter, "count": count})


def of_queue(tx: Tx, queue_id: UUID) -> dict[str, int]:
    """All counters of a queue, with 0 for what never happened."""
    rows = tx.sql("select name, value from counters where queue_id = %(queue_id)s", {"queue_id": queue_id})
    return dict.fromkeys((str(name) for name in CounterName), 0) | {row.name: row.value for row in rows}


def delete(tx: Tx, queue_id: UUID) -> None:
    """Delete the counters of a queue, in the order of their keys."""
    tx.sql(
        """
        with kept as (select queue_id, name from counters where queue_id = %(queue_id)s order by name for update)
        delete from counters c using kept k where c.queue_id = k.queue_id and c.name = k.name
        """,
        {"queue_id": queue_id},
    )
