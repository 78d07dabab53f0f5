"""What happens now, for somebody who watches: failures as they are written, and the runs that are being worked on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.core.lifecycle import CaseStatus, EventType, RunStatus
from casework.core.model import CaseId, RunId, TeamId
from casework.store.database import Tx
from casework.store.literals import listed

_FAILURES = (EventType.FAILED, EventType.ATTEMPT_FAILED, EventType.STOPPED)


@dataclass(frozen=True, slots=True)
class Failure:
    """A line of history: a run, or one attempt of it, failed or was stopped."""

    id: int
    at: datetime
    type: EventType
    case_id: CaseId
    title: str
    run_id: RunId
    agent_name: str
    reason: str | None
    failures: int
    max_attempts: int
    again_in: timedelta | None
    """How long until the run's next attempt; None if there is none, or if it has begun."""
    has_traceback: bool


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run that an agent is working on."""

    id: RunId
    case_id: CaseId
    title: str
    agent_name: str
    attempt: int
    lasts: timedelta


def last_event(tx: Tx) -> int:
    """The id of the newest line of any case's history."""
    last: int = tx.sql("select coalesce(max(id), 0) from case_events").scalar_one()
    return last


_FAILURES_SQL = f"""
select e.id, e.created_at as at, e.type, e.case_id, c.title, e.run_id, a.name as agent_name, e.reason, r.failures,
  coalesce(a.max_attempts, %(max_attempts)s) as max_attempts,
  case when c.run_id = e.run_id and c.status = '{CaseStatus.PENDING}' then c.ready_at - %(now)s end as again_in,
  r.error is not null as has_traceback
from case_events e join cases c on c.id = e.case_id join queues q on q.id = c.queue_id join runs r on r.id = e.run_id
join agents a on a.id = r.agent_id
where e.id > %(after)s and e.type in ({listed(_FAILURES)}) and q.team_id = %(team_id)s
order by e.id limit %(limit)s
"""


def failures(tx: Tx, team_id: TeamId, after: int, *, max_attempts: int, limit: int) -> list[Failure]:
    """What failed after that line of history, the oldest first. `max_attempts` holds for agents that do not say."""
    values = {"team_id": team_id, "after": after, "max_attempts": max_attempts, "limit": limit, "now": tx.now}
    rows = tx.sql(_FAILURES_SQL, values)
    return [Failure(**{**row._asdict(), "type": EventType(row.type)}) for row in rows]


_ACTIVE_SQL = f"""
select r.id, r.case_id, c.title, a.name as agent_name, r.attempt,
  %(now)s - coalesce(r.attempt_started_at, r.started_at, r.claimed_at) as lasts
from runs r join cases c on c.id = r.case_id join agents a on a.id = r.agent_id
where r.holds_slot and r.status = '{RunStatus.RUNNING}' and a.team_id = %(team_id)s
order by lasts desc, r.id limit %(limit)s
"""


def active_runs(tx: Tx, team_id: TeamId, limit: int) -> list[ActiveRun]:
    """The team's runs that are being worked on, the longest first."""
    rows = tx.sql(_ACTIVE_SQL, {"team_id": team_id, "limit": limit, "now": tx.now})
    return [ActiveRun(**row._asdict()) for row in rows]
