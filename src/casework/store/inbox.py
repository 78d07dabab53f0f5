"""What waits for people, the most urgent first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from casework.core.model import Priority, QueueId, RequestId, TeamId
from casework.store.database import NOW, Tx

SOON = timedelta(hours=1)
"""What expires within it comes first."""


@dataclass(frozen=True, slots=True)
class Place:
    """An open request in the order in which people should look at it."""

    id: RequestId
    queue_id: QueueId
    queue: str
    agent: str
    priority: Priority


_WAITS_FOR_THEM = """h.responded_at is null and h.cancelled_at is null
    and (cardinality(h.assignees) = 0 or h.assignees && %(names)s::text[])"""

# Ten thousand may wait among a million cases. The requests that wait are found first, and then the case of each by its id:
# materialized, and with OFFSET 0, because the planner, which expects a hundred, would merge them with all cases. What is shown of
# a request is looked up for those that are left by the limit.
_ORDERED_SQL = f"""
with open as materialized (
  select h.id, h.run_id, h.case_id, h.created_at, (h.expires_at < {NOW} + %(soon)s) is true as soon
  from human_requests h
  where {_WAITS_FOR_THEM}
), first as (
  select o.id, o.run_id, o.created_at, c.queue_id, c.priority, o.soon
  from open o cross join lateral (select queue_id, priority from cases where id = o.case_id offset 0) c
  where c.queue_id in (select id from queues where team_id = %(team_id)s)
  order by o.soon desc, c.priority desc, o.created_at, o.id limit %(limit)s
)
select f.id, f.queue_id, q.name as queue, coalesce(a.name, '') as agent, f.priority
from first f join queues q on q.id = f.queue_id
left join runs r on r.id = f.run_id left join agents a on a.id = r.agent_id
order by f.soon desc, f.priority desc, f.created_at, f.id
"""


def places(tx: Tx, team_id: TeamId, names: Sequence[str], limit: int) -> list[Place]:
    """The requests that wait for one of these names or for everybody: what expires soon, then by the priority of the case, the
    oldest first."""
    values = {"team_id": team_id, "names": list(names), "limit": limit, "soon": SOON}
    return [
        Place(**{**row._asdict(), "priority": Priority.of_rank(row.priority)}) for row in tx.sql(_ORDERED_SQL, values)
    ]


def count(tx: Tx, team_id: TeamId, names: Sequence[str], most: int) -> int:
    """How many wait for one of these names or for everybody, up to `most`."""
    # OFFSET 0 keeps the planner from making a join of it, which finds all ten thousand before it counts a hundred.
    found: int = tx.sql(
        f"""
        select count(*) from (
          select from human_requests h
          where {_WAITS_FOR_THEM}
            and exists (
              select from cases c join queues q on q.id = c.queue_id
              where c.id = h.case_id and q.team_id = %(team_id)s offset 0
            )
          limit %(most)s
        ) found
        """,
        {"team_id": team_id, "names": list(names), "most": most},
    ).scalar_one()
    return found


def context(tx: Tx, request_id: UUID) -> tuple[QueueId, str, str] | None:
    """The queue's id and name, and the agent's name, of a request."""
    row = tx.sql(
        """
        select q.id, q.name as queue, coalesce(a.name, '') as agent
        from human_requests h join cases c on c.id = h.case_id join queues q on q.id = c.queue_id
        left join runs r on r.id = h.run_id left join agents a on a.id = r.agent_id where h.id = %(id)s
        """,
        {"id": request_id},
    ).one_or_none()
    return (QueueId(row.id), row.queue, row.agent) if row else None
