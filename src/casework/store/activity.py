"""What happens now, for somebody who watches: failures as they are written, and the runs that are being worked on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from casework.core.lifecycle import CaseStatus, EventType, RunStatus
from casework.core.model import AgentId, CaseId, QueueId, RunId, TeamId
from casework.store.bound import live_runs, runs_in_slots
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
from {runs_in_slots()} join cases c on c.id = r.case_id join agents a on a.id = r.agent_id
where r.status = '{RunStatus.RUNNING}' and a.team_id = %(team_id)s
order by lasts desc, r.id limit %(limit)s
"""


def active_runs(tx: Tx, team_id: TeamId, limit: int) -> list[ActiveRun]:
    """The team's runs that are being worked on, the longest first."""
    rows = tx.sql(_ACTIVE_SQL, {"team_id": team_id, "limit": limit, "now": tx.now})
    return [ActiveRun(**row._asdict()) for row in rows]


class Shown(StrEnum):
    """Which runs a list shows."""

    LIVE = "live"
    FAILED = "failed"
    TROUBLED = "troubled"
    """A write of theirs was refused, their message was sent again, or an attempt failed."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run in a list, with what it works on."""

    id: RunId
    case_id: CaseId | None
    title: str | None
    """Of its case; None if the case was deleted."""
    queue_id: QueueId
    queue_name: str
    agent_name: str
    status: RunStatus
    attempt: int
    failures: int
    outcome: str | None
    reason: str | None
    worker: str | None
    created_at: datetime
    started_at: datetime | None
    alive_at: datetime | None
    stop_requested_at: datetime | None
    completed_at: datetime | None
    refused_writes: int
    send_count: int


LOOKED_AT = 20_000
"""How many of the newest runs a list is chosen from."""

_SHOWN = {
    Shown.LIVE: "true",
    Shown.FAILED: f"r.status = '{RunStatus.FAILED}'",
    Shown.TROUBLED: "(r.refused_writes > 0 or r.send_count > 1 or r.failures > 0)",
    Shown.ALL: "true",
}

# There are few live runs; any others are sought among the newest, so that a list of what is rare
# does not read all runs that there ever were.
_NEWEST_SQL = """(
  select * from runs n where (%(queue_id)s::uuid is null or n.queue_id = %(queue_id)s) and (%(before)s::uuid is null or n.id < %(before)s)
  order by n.id desc limit {looked_at}
) r"""

_RUNS_SQL = """
select r.id, r.case_id, c.title, r.queue_id, q.name as queue_name, a.name as agent_name, r.status, r.attempt, r.failures, r.outcome,
  r.reason, r.worker, r.created_at, r.started_at, r.last_heartbeat_at as alive_at, r.stop_requested_at, r.completed_at,
  r.refused_writes, r.send_count
from {runs} join queues q on q.id = r.queue_id join agents a on a.id = r.agent_id left join cases c on c.id = r.case_id
where q.team_id = %(team_id)s and {shown} and (%(agent_id)s::uuid is null or r.agent_id = %(agent_id)s)
  and (%(queue_id)s::uuid is null or r.queue_id = %(queue_id)s) and (%(before)s::uuid is null or r.id < %(before)s)
order by r.id desc limit %(limit)s
"""


def runs(
    tx: Tx,
    team_id: TeamId,
    shown: Shown,
    *,
    queue_id: QueueId | None = None,
    agent_id: AgentId | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[ListedRun]:
    """The team's runs that were made before the run `before`, the newest first."""
    source = live_runs() if shown is Shown.LIVE else _NEWEST_SQL.format(looked_at=LOOKED_AT)
    values = {"team_id": team_id, "queue_id": queue_id, "agent_id": agent_id, "before": before, "limit": limit}
    rows = tx.sql(_RUNS_SQL.format(runs=source, shown=_SHOWN[shown]), values)
    return [ListedRun(**{**row._asdict(), "status": RunStatus(row.status)}) for row in rows]


@dataclass(frozen=True, slots=True)
class Place:
    """A queue that an agent is connected to, and what it does there."""

    agent_id: AgentId
    queue_id: QueueId
    queue_name: str
    trigger: bool
    concurrency: int | None
    pending: int
    running: int
    waiting: int
    taken_at: datetime | None
    """When it was last given a case, if that was among the queue's latest thousand runs."""


_PLACES_SQL = f"""
with live as materialized (
  select queue_id, agent_id, count(*) filter (where status = '{RunStatus.PENDING}') as pending,
    count(*) filter (where status = '{RunStatus.RUNNING}') as running, count(*) filter (where status = '{RunStatus.WAITING}') as waiting
  from {live_runs()} group by 1, 2
)
select c.agent_id, c.queue_id, q.name as queue_name, c.trigger, c.concurrency, coalesce(l.pending, 0) as pending,
  coalesce(l.running, 0) as running, coalesce(l.waiting, 0) as waiting, t.taken_at
from consumers c join queues q on q.id = c.queue_id left join live l on l.queue_id = c.queue_id and l.agent_id = c.agent_id
cross join lateral (
  select max(n.claimed_at) as taken_at from (
    select agent_id, claimed_at from runs where queue_id = c.queue_id order by id desc limit 1000
  ) n where n.agent_id = c.agent_id
) t
where q.team_id = %(team_id)s order by q.name
"""


def places(tx: Tx, team_id: TeamId) -> list[Place]:
    """Where the team's agents work, by queue."""
    return [Place(**row._asdict()) for row in tx.sql(_PLACES_SQL, {"team_id": team_id})]
