"""Versions of what people look at: short texts that differ once something has changed. Each is found by an index, or in one
row, whatever the size of the tables."""

from collections.abc import Collection
from uuid import UUID

from casework.core.model import TeamId
from casework.store.connection import Asked
from casework.store.database import Database

_REQUESTS_SQL = """
select concat_ws(' ', count(*), max(h.created_at), sum(
  case when h.approvals_needed > 1 then (select count(*) from human_request_votes v where v.request_id = h.id) end)) as version
from human_requests h where h.responded_at is null and h.cancelled_at is null
"""

# Every line of history draws a number from it, also those that are written as columns of a run.
_HISTORY_SQL = "select last_value::text as version from case_events_id_seq"

_QUEUES_SQL = """
select concat_ws(' ', (select count(*) from queues), (select max(updated_at) from queues), count(*), sum(concurrency),
  sum(weight), count(*) filter (where trigger), (select sum(hashtextextended(l::text, 0)) from limits l)) as version from consumers
"""

_CASES_SQL = """
select c.id, concat_ws(' ', c.updated_at, c.attempt, c.status, r.status,
  (select e.id from case_events e where e.case_id = c.id order by e.case_id desc, e.id desc limit 1),
  (select m.id from run_messages m where m.run_id = c.run_id order by m.run_id desc, m.id desc limit 1)) as version
from cases c join queues q on q.id = c.queue_id left join runs r on r.id = c.run_id
where c.id = any(%(ids)s::uuid[]) and q.team_id = %(team_id)s
"""

_RUNS_SQL = """
select r.id, concat_ws(' ', r.status, r.attempt, r.stop_requested_at, r.completed_at, r.refused_writes,
  (select m.id from run_messages m where m.run_id = r.id order by m.run_id desc, m.id desc limit 1)) as version
from runs r join queues q on q.id = r.queue_id
where r.id = any(%(ids)s::uuid[]) and q.team_id = %(team_id)s
"""


def requests() -> Asked:
    """The open requests of all teams."""
    return _REQUESTS_SQL, {}


def history() -> Asked:
    """Whatever moves a case."""
    return _HISTORY_SQL, {}


def queues() -> Asked:
    """Queues, their consumers, and limits."""
    return _QUEUES_SQL, {}


def cases(team_id: TeamId, ids: Collection[UUID]) -> Asked:
    """Each of these cases, with what its run says."""
    return _CASES_SQL, {"team_id": team_id, "ids": list(ids)}


def runs(team_id: TeamId, ids: Collection[UUID]) -> Asked:
    """Each of these runs, with what it says."""
    return _RUNS_SQL, {"team_id": team_id, "ids": list(ids)}


def find(db: Database, asked: Collection[Asked]) -> list[dict[UUID | None, str]]:
    """The versions, by id where there are ids. One round trip."""
    with db.single() as tx:
        found = tx.together(*asked)
    return [{getattr(row, "id", None): row.version for row in rows} for rows in found]
