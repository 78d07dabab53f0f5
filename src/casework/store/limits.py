"""Limits themselves: made, changed and deleted under the locks that claims take, so that the next claim keeps to them."""

from typing import Any
from uuid import UUID

from casework.core.limits import Bounds, Limit
from casework.core.model import AgentId, LimitId, QueueId, TeamId
from casework.store.bound import runs_in_slots
from casework.store.database import NOW, Tx
from casework.store.ids import new_id
from casework.store.lines import COUNTING, LINE_ID, SHOWN_CHARACTERS, VALUE, bounds_of
from casework.store.literals import ANYONE

_COLUMNS = f"""
l.id, l.queue_id, q.name as queue_name, l.agent_id, a.name as agent_name, l.key, l.concurrency, l.rate_count, l.rate_seconds, l.rate_burst, l.created_at,
(select count(*) from {COUNTING} join limit_lines n on n.id = h.line_id where n.limit_id = l.id) as used,
(select count(*) from limit_lines n where n.limit_id = l.id) as lines
"""
_FROM = "limits l left join queues q on q.id = l.queue_id left join agents a on a.id = l.agent_id"


def _limit(row: Any) -> Limit:
    return Limit(
        LimitId(row.id),
        row.queue_id,
        row.queue_name,
        row.agent_id,
        row.agent_name,
        row.key,
        bounds_of(row),
        row.created_at,
        row.used,
        row.lines,
    )


def find(tx: Tx, team_id: TeamId, queue_id: QueueId | None = None) -> list[Limit]:
    """The limits of a team by queue, agent and key; with a queue, those that bind its cases."""
    rows = tx.sql(
        f"""
        select {_COLUMNS} from {_FROM}
        where coalesce(q.team_id, a.team_id) = %(team_id)s and (%(queue_id)s::uuid is null or l.queue_id = %(queue_id)s
          or (l.queue_id is null and exists (select from consumers c where c.queue_id = %(queue_id)s and c.agent_id = l.agent_id)))
        order by q.name nulls last, a.name nulls first, l.key nulls first
        """,
        {"team_id": team_id, "queue_id": queue_id},
    )
    return [_limit(row) for row in rows]


def get(tx: Tx, team_id: TeamId, limit_id: UUID) -> Limit | None:
    """The team's limit with that id."""
    row = tx.sql(
        f"select {_COLUMNS} from {_FROM} where l.id = %(id)s and coalesce(q.team_id, a.team_id) = %(team_id)s",
        {"id": limit_id, "team_id": team_id},
    ).one_or_none()
    return _limit(row) if row else None


def lock_queue(tx: Tx, queue_id: QueueId) -> bool:
    """Lock the queue, so that no agent is connected to it meanwhile; False if it is gone."""
    statement = "select 1 from queues where id = %(id)s for no key update"
    return tx.sql(statement, {"id": queue_id}).one_or_none() is not None


def lock_consumers(tx: Tx, queue_id: QueueId | None, agent_id: AgentId | None) -> None:
    """Lock the consumers that a limit binds, which waits for the claims under way. The queue and the agent are locked."""
    tx.sql(
        """
        select 1 from consumers where (%(queue_id)s::uuid is null or queue_id = %(queue_id)s) and (%(agent_id)s::uuid is null or agent_id = %(agent_id)s)
        order by queue_id, agent_id for update
        """,
        {"queue_id": queue_id, "agent_id": agent_id},
    )


_SET_SQL = f"""
insert into limits (id, queue_id, agent_id, key, concurrency, rate_count, rate_seconds, rate_burst, created_at)
values (%(id)s, %(queue_id)s, %(agent_id)s, %(key)s, %(concurrency)s, %(count)s, %(seconds)s, %(burst)s, {NOW})
on conflict (coalesce(queue_id, '{ANYONE}'::uuid), coalesce(agent_id, '{ANYONE}'::uuid), coalesce(key, '')) do update
set concurrency = excluded.concurrency, rate_count = excluded.rate_count, rate_seconds = excluded.rate_seconds, rate_burst = excluded.rate_burst
returning id
"""

_LOCK_LINES_SQL = "select id from limit_lines where limit_id = %(id)s order by id for update"

# The runs that hold a slot when a limit comes count against it. Its lines are locked before: a tick that serves one deletes holds.
_ADOPT_SQL = f"""
with found as materialized (
  select r.id as run_id, r.attempt, l.id as limit_id, {VALUE} as value
  from {runs_in_slots()}
  join limits l on (l.queue_id is null or r.queue_id = l.queue_id) and (l.agent_id is null or r.agent_id = l.agent_id)
  left join cases c on c.id = r.case_id
  where l.id = %(id)s
  union all select null, null, id, '' from limits where id = %(id)s and key is null
), placed as materialized (
  select run_id, attempt, limit_id, value, {LINE_ID.format(limit="limit_id", value="value")} as line_id from found where value is not null
), added as (
  insert into limit_lines (id, limit_id, value)
  select distinct on (line_id) line_id, limit_id, left(value, {SHOWN_CHARACTERS}) from placed order by line_id
  on conflict do nothing
)
insert into limit_holds (line_id, run_id, attempt) select line_id, run_id, attempt from placed where run_id is not null
on conflict (line_id, run_id) do update set attempt = excluded.attempt
"""
_LOOK_AGAIN_SQL = f"update limit_lines set next_at = {NOW} where limit_id = %(id)s"

LIMITED = """exists (
  select from limits l where (l.queue_id is null or l.queue_id = {queue_id}) and (l.agent_id is null or l.agent_id = {agent_id}))"""
_MARK_SQL = f"""
update consumers c set limited = m.limited
from (select queue_id, agent_id, {LIMITED.format(queue_id="w.queue_id", agent_id="w.agent_id")} as limited from consumers w) m
where m.queue_id = c.queue_id and m.agent_id = c.agent_id and c.limited <> m.limited
  and (%(queue_id)s::uuid is null or c.queue_id = %(queue_id)s) and (%(agent_id)s::uuid is null or c.agent_id = %(agent_id)s)
"""


def mark(tx: Tx, queue_id: QueueId | None, agent_id: AgentId | None) -> None:
    """Write on the locked consumers whether limits bind them."""
    tx.sql(_MARK_SQL, {"queue_id": queue_id, "agent_id": agent_id})


def put(tx: Tx, queue_id: QueueId | None, agent_id: AgentId | None, key: str | None, bounds: Bounds) -> LimitId:
    """Make a limit, or give the one of this scope and key other bounds. The transaction has locked its scope."""
    rate = bounds.rate
    values = {
        "id": new_id(),
        "queue_id": queue_id,
        "agent_id": agent_id,
        "key": key,
        "concurrency": bounds.concurrency,
        "count": rate.count if rate else None,
        "seconds": rate.seconds if rate else None,
        "burst": rate.burst if rate else None,
    }
    id: LimitId = tx.sql(_SET_SQL, values).scalar_one()
    tx.sql(_LOCK_LINES_SQL, {"id": id})
    tx.sql(_ADOPT_SQL, {"id": id})
    tx.sql(_LOOK_AGAIN_SQL, {"id": id})
    mark(tx, queue_id, agent_id)
    return id


def delete(tx: Tx, limit: Limit) -> bool:
    """Delete a limit with its lines; False if it is gone. The transaction has locked its scope. Cases that waited in the lines are
    let out by ticks."""
    gone = tx.sql("delete from limits where id = %(id)s", {"id": limit.id}).rowcount == 1
    mark(tx, limit.queue_id, limit.agent_id)
    return gone


def delete_of_queue(tx: Tx, queue_id: QueueId) -> None:
    """Delete the limits of a queue that is locked with its consumers. Deleting the queue would do it after its cases."""
    tx.sql("delete from limits where queue_id = %(queue_id)s", {"queue_id": queue_id})


def delete_of_agent(tx: Tx, agent_id: AgentId) -> None:
    """Delete the limits of an agent that is locked, and is about to be disconnected from all its queues."""
    lock_consumers(tx, None, agent_id)
    tx.sql("delete from limits where agent_id = %(agent_id)s", {"agent_id": agent_id})
