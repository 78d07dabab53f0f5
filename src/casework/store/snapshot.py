"""What a diagnosis reads: a case, its queue, and the consumers that could take it. Read within `Database.snapshot`, so
that all parts are of one moment and do not contradict each other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from casework.core.capacity import Load, Worker
from casework.core.lifecycle import TRANSITIONS, CaseStatus, RunStatus
from casework.core.model import AgentId, AgentKind, CaseId, Queue, QueueId, RunId, TeamId
from casework.core.plan import Lane
from casework.store import limit_states, processes
from casework.store.bound import STOPPING, runs_in_slots
from casework.store.database import Tx
from casework.store.limit_states import LimitState
from casework.store.literals import ANYONE


@dataclass(frozen=True, slots=True)
class ConsumerSnapshot:
    """A consumer, and the use of its slots."""

    agent_id: AgentId
    name: str
    kind: AgentKind
    trigger: bool
    concurrency: int | None
    pending: int
    running: int
    pending_since: datetime | None
    sends: int
    """The highest number of messages that were sent for one of its runs that have not started."""
    group: str
    """The group of workers that its runs need."""
    taken_at: datetime | None
    """When it was last given a case of the queue, or started one."""

    @property
    def asks_for_work(self) -> bool:
        """Whether its agent asks for cases itself. Ticks assign cases to all others, and workers execute their runs."""
        return self.kind is AgentKind.PULL


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """A queue at one moment."""

    queue: Queue
    now: datetime
    consumers: list[ConsumerSnapshot]
    seen: dict[str, datetime]
    """When a process of each role was last seen."""
    lost_slots: dict[str, int]
    """How many slots each worker lost to agents that do not end."""
    workers: list[Worker]
    """Those that were seen lately, so that ticks send runs to them."""
    loads: list[Load]
    limits: list[LimitState]
    """Those beside the consumers' own that bind the queue's cases, or the one case that is looked at."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case that is ready, or several that are ready for the same consumers."""

    agent_id: AgentId | None
    """The only agent that may take it; None: any consumer with its trigger on."""
    agent_name: str | None
    """None if anybody may take it, or if the agent was deleted."""
    resumed: bool
    blocked: bool
    """Its former run was asked to stop, and has not stopped."""
    since: datetime


@dataclass(frozen=True, slots=True)
class CaseSnapshot:
    """A case at one moment, with its live run, its open request, and its outcome."""

    id: CaseId
    queue_id: QueueId
    status: CaseStatus
    completed_at: datetime | None
    end_reason: str | None
    run_id: RunId | None
    """Its live run: the one that is bound to it, or a former one that was asked to stop and has not stopped."""
    run_status: RunStatus | None
    run_agent_id: AgentId | None
    heard_at: datetime | None
    """When the run's worker was last heard of."""
    request_title: str | None
    requested_at: datetime | None
    waiting: Waiting


# Reads only the newest runs of the queue: an agent without any of them has not taken a case for long.
_CONSUMERS_SQL = f"""
with held as materialized (
  select agent_id, status, claimed_at, started_at, send_count from {runs_in_slots("%(queue_id)s")}
), slots as (
  select agent_id, count(*) filter (where status = 'pending') as pending, count(*) filter (where status = 'running') as running,
    min(claimed_at) filter (where status = 'pending') as pending_since, max(send_count) filter (where status = 'pending') as sends
  from held group by agent_id
), taken as (
  select agent_id, max(greatest(claimed_at, started_at)) as taken_at from (
    (select agent_id, claimed_at, started_at from runs where queue_id = %(queue_id)s order by id desc limit 1000)
    union all select agent_id, claimed_at, started_at from held
  ) r group by agent_id
)
select c.agent_id, a.name, a.kind, c.trigger, c.concurrency, coalesce(s.pending, 0) as pending,
  coalesce(s.running, 0) as running, s.pending_since, coalesce(s.sends, 0) as sends, a.worker_group as group, t.taken_at
from consumers c join agents a on a.id = c.agent_id
left join slots s on s.agent_id = c.agent_id left join taken t on t.agent_id = c.agent_id
where c.queue_id = %(queue_id)s order by a.name
"""


def of_queue(tx: Tx, queue: Queue, silence: timedelta, case_id: CaseId | None = None) -> QueueSnapshot:
    """The queue now, as it is for one of its cases if that is given. A worker that was not seen for that long has no slots, and
    a message that none took in that time is lost."""
    values = {"queue_id": queue.id}
    consumers = [
        ConsumerSnapshot(**{**row._asdict(), "kind": AgentKind(row.kind)}) for row in tx.sql(_CONSUMERS_SQL, values)
    ]
    workers, loads = processes.workers(tx, silence), processes.loads(tx, long=timedelta(0), under_way=silence)
    seen, lost = processes.last_seen(tx), processes.lost_slots(tx, silence)
    limits = limit_states.binding(tx, queue.id, case_id)
    return QueueSnapshot(queue, tx.now, consumers, seen, lost, workers, loads, limits)


# Reads one case for each group that waits, and not all that wait: from group to group by the claim's index. A former run
# holds a slot until it has stopped, so it is enough to look at the runs that have yet to stop.
_WAITING_SQL = f"""
with recursive blocked as materialized (
  select c.id, c.reserved_for, c.lane, c.ready_at from runs r join cases c on c.id = r.case_id
  where r.queue_id = %(queue_id)s and {STOPPING} and r.id is distinct from c.run_id and c.lane is not null
), groups as (
  (select reserved_for, lane from cases where queue_id = %(queue_id)s and lane is not null and not parked order by reserved_for, lane limit 1)
  union all
  select n.* from groups g cross join lateral (
    select c.reserved_for, c.lane from cases c
    where c.queue_id = %(queue_id)s and c.lane is not null and not c.parked and (c.reserved_for, c.lane) > (g.reserved_for, g.lane)
    order by c.reserved_for, c.lane limit 1
  ) n
), waiting as (
  select g.reserved_for, g.lane, false as blocked, f.ready_at from groups g cross join lateral (
    select c.ready_at from cases c
    where c.queue_id = %(queue_id)s and c.reserved_for = g.reserved_for and c.lane = g.lane and c.lane is not null and not c.parked
      and c.ready_at <= %(until)s and c.id not in (select id from blocked)
    order by c.ready_at limit 1
  ) f
  union all
  select reserved_for, lane, true, ready_at from blocked where ready_at <= %(until)s
), grouped as (
  select reserved_for, lane = {Lane.RESUMED:d} as resumed, blocked, min(ready_at) as since from waiting group by 1, 2, 3
)
select nullif(w.reserved_for, '{ANYONE}') as agent_id, a.name as agent_name, w.resumed, w.blocked, w.since
from grouped w left join agents a on a.id = w.reserved_for and a.deleted_at is null order by w.since, w.reserved_for, w.resumed
"""


def waiting_in(tx: Tx, queue_id: QueueId, until: datetime) -> list[Waiting]:
    """Cases in the lanes that were ready by that moment and are not claimed, the longest waiting first."""
    return [Waiting(**row._asdict()) for row in tx.sql(_WAITING_SQL, {"queue_id": queue_id, "until": until})]


_ENDS = {CaseStatus.COMPLETED, CaseStatus.FAILED}
END_EVENTS = sorted({str(arrow.records) for arrow in TRANSITIONS if arrow.target in _ENDS})

END_REASON = """
  select reason from case_history where case_id = {case} and type = any(%(ends)s) order by id desc limit 1
"""
"""Why a case ended last; `ends` are END_EVENTS."""

_CASE_SQL = f"""
select c.id, c.queue_id, c.status, c.completed_at, e.reason as end_reason, r.id as run_id, r.status as run_status,
  r.agent_id as run_agent_id, r.last_heartbeat_at as heard_at, h.title as request_title, h.created_at as requested_at,
  coalesce(c.run_agent_id, c.assigned_agent_id) as agent_id, a.name as agent_name, c.lane = {Lane.RESUMED:d} as resumed,
  r.id is distinct from c.run_id and r.id is not null as blocked, c.ready_at
from cases c join queues q on q.id = c.queue_id
left join lateral (
  select id, status, agent_id, last_heartbeat_at from runs where case_id = c.id and live order by id desc limit 1
) r on true
left join agents a on a.id = coalesce(c.run_agent_id, c.assigned_agent_id) and a.deleted_at is null
left join lateral (
  select title, created_at from human_requests
  where run_id = c.run_id and responded_at is null and cancelled_at is null order by id limit 1
) h on c.human_request_id is not null
left join lateral ({END_REASON.format(case="c.id")}) e on c.completed_at is not null
where c.id = %(case_id)s and q.team_id = %(team_id)s
"""


def of_case(tx: Tx, team_id: TeamId, case_id: UUID) -> CaseSnapshot | None:
    """The team's case. One of another team takes no longer than one that does not exist."""
    row = tx.sql(_CASE_SQL, {"case_id": case_id, "team_id": team_id, "ends": END_EVENTS}).one_or_none()
    if row is None:
        return None
    return CaseSnapshot(
        id=row.id,
        queue_id=row.queue_id,
        status=CaseStatus(row.status),
        completed_at=row.completed_at,
        end_reason=row.end_reason,
        run_id=row.run_id,
        run_status=RunStatus(row.run_status) if row.run_status else None,
        run_agent_id=row.run_agent_id,
        heard_at=row.heard_at,
        request_title=row.request_title,
        requested_at=row.requested_at,
        waiting=Waiting(row.agent_id, row.agent_name, bool(row.resumed), row.blocked, row.ready_at),
    )
