"""The least SQL that does the same to the same tables: what casework's statements are held against."""

from typing import Any
from uuid import UUID

import psycopg

from casework.store.ids import new_ids
from casework.store.literals import ANYONE

_CLAIM = f"""
with picked as (
  select id, queue_id from cases
  where queue_id = %(queue)s and reserved_for = '{ANYONE}' and lane = 4 and ready_at <= now()
  order by ready_at, id for no key update skip locked limit 100
), numbered as (
  select id, queue_id, (%(runs)s::uuid[])[row_number() over ()] as run_id from picked
), moved as (
  update cases c set status = 'claimed', run_id = n.run_id, run_agent_id = %(agent)s, attempt = 1, claimed_at = now(), updated_at = now()
  from numbered n where c.id = n.id returning c.id, c.queue_id, c.run_id
), created as (
  insert into runs (id, case_id, queue_id, agent_id, status, attempt, created_at, claimed_at, sent_at)
  select run_id, id, queue_id, %(agent)s, 'pending', 1, now(), now(), now() from moved
)
select run_id, id from moved
"""

_START = """
update runs r set status = 'running', started_at = now(), last_heartbeat_at = now(), worker = %(worker)s
from cases c, agents a where r.id = %(run)s and r.attempt = 1 and r.status = 'pending' and c.id = r.case_id and a.id = r.agent_id
returning r.id, r.attempt, r.failures, r.queue_id, c.id, c.title, c.data, c.priority, c.created_at, a.id, a.name, a.target, a.max_attempts, a.team_id,
  (select json_agg(json_build_array(l.key, l.value)) from case_labels cl join labels l on l.id = cl.label_id where cl.case_id = c.id)
"""

_COMPLETE = """
with moved as (
  update cases set status = 'completed', run_id = null, run_agent_id = null, completed_at = now(), updated_at = now()
  where id = %(case)s and run_id = %(run)s and attempt = 1 and status = 'claimed' returning id
), ended as (
  update runs r set status = 'completed', outcome = 'completed', completed_at = now() from moved m where r.id = %(run)s returning r.agent_id
)
select from ended
"""


def _run(connection: psycopg.Connection[Any], sql: str, values: dict[str, Any]) -> psycopg.Cursor[Any]:
    return connection.execute(sql, values)


def claim(connection: psycopg.Connection[Any], queue: UUID, agent: UUID) -> int:
    """Claim a hundred cases in one statement."""
    rows = _run(connection, _CLAIM, {"queue": queue, "agent": agent, "runs": new_ids(100)})
    return len(rows.fetchall())


def start(connection: psycopg.Connection[Any], run: UUID) -> Any:
    """Start a run in one statement."""
    return _run(connection, _START, {"run": run, "worker": "raw"}).fetchone()


def complete(connection: psycopg.Connection[Any], run: UUID, case: UUID) -> int:
    """Complete a run in one statement."""
    return _run(connection, _COMPLETE, {"run": run, "case": case}).rowcount
