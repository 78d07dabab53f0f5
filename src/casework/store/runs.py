"""Runs: liveness, messages that are sent again, what an operator looks at. Their statuses are written in `transitions`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from casework.core.effects import Parcel, RunMessage
from casework.core.lifecycle import EventType, RunStatus
from casework.core.model import AgentId, CaseId, CaseRun, CounterName, QueueId, RunId, RunRecord, TeamId
from casework.store import counters, kept
from casework.store.bound import live_runs, runs_in_slots
from casework.store.database import NOW, Tx
from casework.store.literals import same_status
from casework.store.stuck import StuckRun
from casework.store.transitions import HOLDS, Fence

# The rows are locked as they are updated, and in the order of their ids, as in `transitions.by_run`. To lock them beforehand
# wrote 56 bytes of WAL more for each, and took 1 ms for 1,000.
_HEARTBEAT_SQL = f"""
update runs r set last_heartbeat_at = {NOW}, {same_status("r")}
from (select * from unnest(%(ids)b::uuid[], %(attempts)s::int[]) as u (id, attempt) order by id) as m
where r.id = m.id and r.attempt = m.attempt and r.status = '{RunStatus.RUNNING}'
returning r.id, r.stop_requested_at is not null as stop
"""


def heartbeat(tx: Tx, runs: Sequence[RunMessage]) -> dict[RunId, bool]:
    """Say that these attempts live. The answer holds those that still are the worker's, and whether each was asked to
    stop; an attempt that is missing has been given away."""
    rows = tx.sql(_HEARTBEAT_SQL, {"ids": [run.run_id for run in runs], "attempts": [run.attempt for run in runs]})
    return {RunId(row.id): row.stop for row in rows}


def lock_if_silent(tx: Tx, fence: Fence, now: datetime, lease: float) -> bool:
    """Lock a run and say whether it still is silent: a heartbeat that came since the sweep looked saves it."""
    condition = f"status = '{RunStatus.RUNNING}' and last_heartbeat_at <= %(now)s - make_interval(secs => %(lease)s)"
    return _lock_if(tx, fence, condition, now=now, lease=lease)


def lock_if_unstarted(tx: Tx, fence: Fence) -> bool:
    """Lock a run and say whether no worker has started it."""
    return _lock_if(tx, fence, f"status = '{RunStatus.PENDING}'")


def _lock_if(tx: Tx, fence: Fence, condition: str, **values: Any) -> bool:
    """Lock the case and then the run, in the order that all follow."""
    held = tx.sql(
        "select 1 from cases where id = %(case_id)s and run_id = %(run_id)s and attempt = %(attempt)s for no key update",
        fence.parameters(),
    ).one_or_none()
    run = tx.sql(
        f"select 1 from runs where id = %(run_id)s and attempt = %(attempt)s and {condition} for no key update",
        {**fence.parameters(), **values},
    ).one_or_none()
    return held is not None and run is not None


def mark_sent(tx: Tx, runs: Sequence[StuckRun], now: datetime) -> list[Parcel]:
    """Record that these messages are sent once more, and return those whose runs have neither started nor been sent again, each
    run in a message of its own."""
    rows = tx.sql(
        f"""
        with late as (
          select r.id from unnest(%(ids)s::uuid[], %(attempts)s::int[], %(sends)s::int[]) as m (id, attempt, sends)
          join runs r on r.id = m.id and r.attempt = m.attempt and r.send_count = m.sends and r.status = '{RunStatus.PENDING}'
          order by r.id for no key update of r skip locked
        ), sent as (
          update runs r set sent_at = %(now)s, send_count = r.send_count + 1, {same_status("r")} from late where r.id = late.id
          returning r.id, r.attempt, r.case_id, r.queue_id, r.agent_id
        ), logged as (
          insert into case_events (case_id, type, created_at, run_id, agent_id)
          select case_id, %(type)s, %(now)s, id, agent_id from sent where case_id is not null
        )
        select s.id, s.attempt, s.queue_id, a.worker_group from sent s join agents a on a.id = s.agent_id
        """,
        {
            "ids": [run.fence.run_id for run in runs],
            "attempts": [run.fence.attempt for run in runs],
            "sends": [run.send_count for run in runs],
            "now": now,
            "type": EventType.RESENT,
        },
    ).all()
    for queue_id, count in sorted(Counter(row.queue_id for row in rows).items()):
        counters.add(tx, queue_id, CounterName.MESSAGE_RESENT, count)
    return [Parcel((RunMessage(RunId(row.id), row.attempt),), row.worker_group) for row in rows]


def pending_of(tx: Tx, queue_id: QueueId) -> list[Fence]:
    """The runs of a queue that were claimed and have not started, by id."""
    rows = tx.sql(
        f"select case_id, id, attempt from {runs_in_slots('%(queue_id)s')} where status = '{RunStatus.PENDING}' and case_id is not null order by id",
        {"queue_id": queue_id},
    )
    return [Fence(CaseId(row.case_id), RunId(row.id), row.attempt) for row in rows]


def running_of(tx: Tx, worker: str) -> list[Fence]:
    """The runs that a worker executes."""
    rows = tx.sql(
        f"select case_id, id, attempt from {runs_in_slots()} where worker = %(worker)s and status = '{RunStatus.RUNNING}' and case_id is not null",
        {"worker": worker},
    )
    return [Fence(CaseId(row.case_id), RunId(row.id), row.attempt) for row in rows]


def holds(tx: Tx, fence: Fence) -> bool:
    """Whether that attempt holds its case."""
    return tx.sql(f"select 1 from cases where {HOLDS}", fence.parameters()).one_or_none() is not None


def record_refusal(tx: Tx, fence: Fence, what: str) -> None:
    """Record a late write: on the run, in the case's history if the case still exists, and in the queue's counter.

    The case is locked first: the caller may end the run in the same transaction, which locks case and run in that
    order, and then locks nothing that is not locked here. A case that was deleted meanwhile is not locked, and gets no
    line, although the statement may still see it.
    """
    refused = tx.sql(
        f"""
        with held as (
          select id from cases where id = %(case_id)s for no key update
        ), run as (
          update runs r set refused_writes = r.refused_writes + 1 from (select count(*) from held) h
          where r.id = %(run_id)s returning r.agent_id, r.queue_id
        ), logged as (
          insert into case_events (case_id, type, reason, created_at, run_id, agent_id)
          select h.id, '{EventType.WRITE_REFUSED}', %(what)s, {NOW}, %(run_id)s, run.agent_id from held h, run
        )
        select queue_id from run
        """,
        {**fence.parameters(), "what": what},
    ).one_or_none()
    if refused:
        counters.add(tx, refused.queue_id, CounterName.WRITE_REFUSED)


_RUN_COLUMNS = f"""
r.id, r.case_id, r.queue_id, r.agent_id, a.name as agent_name, r.status, r.attempt, r.failures, r.outcome, r.reason,
r.error, r.worker, r.created_at, r.started_at, r.last_heartbeat_at as alive_at, r.stop_requested_at, r.completed_at, r.refused_writes,
r.asked_wait_seconds,
{kept.USAGE_OF_RUN} as usage
"""


def _run(row: Any) -> RunRecord:
    return RunRecord(**{**row._asdict(), "status": RunStatus(row.status), "usage": kept.usage(row.usage)})


def get(tx: Tx, team_id: TeamId, run_id: UUID) -> RunRecord | None:
    """The team's run with that id. A run of another team takes no longer than one that does not exist."""
    row = tx.sql(
        f"select {_RUN_COLUMNS} from runs r join agents a on a.id = r.agent_id where r.id = %(id)s and a.team_id = %(team_id)s",
        {"id": run_id, "team_id": team_id},
    ).one_or_none()
    return _run(row) if row else None


def find(
    tx: Tx,
    team_id: TeamId,
    *,
    queue_id: QueueId | None = None,
    case_id: CaseId | None = None,
    agent_id: AgentId | None = None,
    statuses: Sequence[RunStatus] = (),
    limit: int,
    offset: int = 0,
) -> list[RunRecord]:
    """The team's runs, newest first."""
    rows = tx.sql(
        f"""
        select {_RUN_COLUMNS} from runs r join agents a on a.id = r.agent_id
        where a.team_id = %(team_id)s
          and (%(queue_id)s::uuid is null or r.queue_id = %(queue_id)s) and (%(case_id)s::uuid is null or r.case_id = %(case_id)s)
          and (%(agent_id)s::uuid is null or r.agent_id = %(agent_id)s) and (%(statuses)s::text[] = '{{}}' or r.status = any(%(statuses)s))
        order by r.id desc limit %(limit)s offset %(offset)s
        """,
        {
            "team_id": team_id,
            "queue_id": queue_id,
            "case_id": case_id,
            "agent_id": agent_id,
            "statuses": [str(s) for s in statuses],
            "limit": limit,
            "offset": offset,
        },
    )
    return [_run(row) for row in rows]


_OWNERS_SQL = """
select r.id, r.case_id, r.agent_id, a.name as agent_name, r.status, r.outcome, r.created_at, r.started_at, r.completed_at,
  r.created_at as claimed_at, h.id is not null as has_pending_human_request, h.title as pending_human_request_title
from runs r join agents a on a.id = r.agent_id
left join lateral (
  select id, title from human_requests where run_id = r.id and responded_at is null and cancelled_at is null order by id limit 1
) h on true
where r.case_id = %(case_id)s
order by r.id desc limit 50
"""


def owners_of(tx: Tx, case_id: CaseId) -> list[CaseRun]:
    """The runs that claimed a case or received it by handover, newest first, at most 50."""
    return [
        CaseRun(**{**row._asdict(), "status": RunStatus(row.status)})
        for row in tx.sql(_OWNERS_SQL, {"case_id": case_id})
    ]


def live_counts(tx: Tx, queue_id: QueueId) -> dict[str, int]:
    """How many live runs a queue has, by status."""
    rows = tx.sql(
        f"select status, count(*) as n from {live_runs('%(queue_id)s')} group by status",
        {"queue_id": queue_id},
    )
    return {row.status: row.n for row in rows}


def is_held_by(tx: Tx, case_id: UUID, agent_ids: Iterable[AgentId]) -> bool:
    """Whether the live run of a case is of one of these agents: the run that is bound to it, or a former one that has yet
    to stop."""
    held: bool = tx.sql(
        "select exists (select from runs where case_id = %(case_id)s and live and agent_id = any(%(agent_ids)s::uuid[]))",
        {"case_id": case_id, "agent_ids": list(agent_ids)},
    ).scalar_one()
    return held
