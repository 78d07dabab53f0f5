"""A person answers, or takes a case from whoever has it; its run is asked to stop, and stops."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from casework.core.lifecycle import CaseStatus, Event, EventType, RunStatus, transition
from casework.core.model import CaseId, RunId
from casework.store.database import NOW, Tx
from casework.store.tables import listed
from casework.store.transitions.by_run import _FREE

_ANSWER = transition(Event.ANSWER)

_ANSWER_SQL = f"""
with moved as (
  update cases set status = '{_ANSWER.target}', human_request_id = null, ready_at = {NOW}, updated_at = {NOW}
  where id = %(case_id)s and human_request_id = %(request_id)s and status in ({listed(_ANSWER.sources)})
  returning id, run_id, run_agent_id
)
insert into case_events (case_id, type, created_at, run_id, agent_id, human_request_id)
select id, '{_ANSWER.records}', {NOW}, run_id, run_agent_id, %(request_id)s::uuid from moved
"""


def answer(tx: Tx, case_id: CaseId, request_id: UUID) -> bool:
    """The case's open request was answered: its run goes on before anything new is begun."""
    return tx.sql(_ANSWER_SQL, {"case_id": case_id, "request_id": request_id}).rowcount == 1


# A running run is asked, and has until the deadline; one that nobody executes ends here. The runs are found by their
# case and not by the case's binding: a run that was asked before, and has not stopped yet, is bound no more.
_INTERRUPT_SQL = f"""
with locked as (
  select id, case_id from runs where case_id = any(%(cases)s::uuid[]) and live order by id for no key update
)
update runs r
set status = case when r.status = '{RunStatus.RUNNING}' then r.status else '{RunStatus.INTERRUPTED}' end,
    completed_at = case when r.status = '{RunStatus.RUNNING}' then null else %(now)s end,
    stop_requested_at = coalesce(r.stop_requested_at, %(now)s), stop_deadline = coalesce(r.stop_deadline, %(deadline)s),
    stop_releases = false, reason = %(reason)s, case_id = case when %(forget)s then null else r.case_id end
from locked l where r.id = l.id
returning l.case_id, r.id as run_id, case when r.status = '{RunStatus.RUNNING}' then r.stop_deadline end as runs_until
"""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A live run that was interrupted; `runs_until` is None where nobody executes it."""

    case_id: CaseId
    run_id: RunId
    runs_until: datetime | None


def interrupt(
    tx: Tx, cases: Sequence[UUID], deadline: datetime, reason: str, *, forget: bool = False
) -> list[Interrupted]:
    """Interrupt the live runs of cases that the transaction has locked; `forget` cuts them off cases that go away."""
    rows = tx.sql(
        _INTERRUPT_SQL, {"cases": list(cases), "now": tx.now, "deadline": deadline, "reason": reason, "forget": forget}
    )
    return [Interrupted(CaseId(row.case_id), RunId(row.run_id), row.runs_until) for row in rows]


def _withdraw_sql(event: Event, target: CaseStatus) -> str:
    """A person takes cases from whoever has them: one row in, one row moved, with its line of history."""
    arrow = transition(event, target)
    done = f"{NOW}" if target in (CaseStatus.COMPLETED, CaseStatus.FAILED) else "null"
    assigned = "%(agent_id)s::uuid" if event in (Event.RETRY, Event.DELEGATE) else "assigned_agent_id"
    claimed = "null" if target is CaseStatus.PENDING else "claimed_at"
    return f"""
with moved as (
  update cases c
  set status = '{arrow.target}', {_FREE}, human_request_id = null, postponed_to = null, handed_over = false,
      completed_at = {done}, assigned_agent_id = {assigned}, claimed_at = {claimed}, ready_at = w.ready_at, updated_at = {NOW}
  from unnest(%(cases)s::uuid[], %(ready)s::timestamptz[], %(old_runs)s::uuid[]) as w (id, ready_at, old_run)
  where c.id = w.id
  returning c.id, w.old_run
)
insert into case_events (case_id, type, reason, created_at, run_id, agent_id)
select id, '{arrow.records}', %(reason)s, {NOW}, old_run, %(agent_id)s::uuid from moved
"""


_WITHDRAW = {
    (event, target): _withdraw_sql(event, target)
    for event, target in (
        (Event.RETRY, CaseStatus.PENDING),
        (Event.DELEGATE, CaseStatus.PENDING),
        (Event.SETTLE, CaseStatus.COMPLETED),
        (Event.SETTLE, CaseStatus.FAILED),
        (Event.STOP, CaseStatus.FAILED),
    )
}


def withdraw(
    tx: Tx,
    event: Event,
    target: CaseStatus,
    cases: Sequence[tuple[UUID, datetime, UUID | None]],
    *,
    agent_id: UUID | None = None,
    reason: str | None = None,
) -> None:
    """Move locked cases, given as (id, ready at, former run)."""
    tx.sql(
        _WITHDRAW[event, target],
        {
            "cases": [case[0] for case in cases],
            "ready": [case[1] for case in cases],
            "old_runs": [case[2] for case in cases],
            "agent_id": agent_id,
            "reason": reason,
        },
    )


# The stop brings the case forward: it waited for this, or for the end of the grace.
_STOPPED_SQL = f"""
with locked as (
  select c.id from cases c where c.id = (select case_id from runs where id = %(run_id)s) for no key update
), stopped as (
  update runs r set status = '{RunStatus.INTERRUPTED}', completed_at = {NOW}
  from (select max(id::text) from locked) l
  where r.id = %(run_id)s and r.attempt = %(attempt)s and r.status = '{RunStatus.RUNNING}'
    and r.stop_requested_at is not null and not r.stop_releases
    and (%(silence)s::interval is null or r.alive_at <= {NOW} - %(silence)s)
  returning r.id, r.case_id, r.agent_id, r.stop_deadline
), freed as (
  update cases c set ready_at = {NOW} from stopped s
  where c.id = s.case_id and c.run_id is null and c.ready_at = s.stop_deadline
), logged as (
  insert into case_events (case_id, type, reason, created_at, run_id, agent_id)
  select case_id, '{EventType.INTERRUPTED}', %(reason)s, {NOW}, id, agent_id from stopped where case_id is not null
)
select id from stopped
"""


def stopped(tx: Tx, run_id: RunId, attempt: int, reason: str, *, silence: timedelta | None = None) -> bool:
    """The run that was asked to stop has stopped, or is fenced out because its time is over.

    With `silence`, only where its worker has been silent for that long: a heartbeat that came meanwhile saves it.
    """
    values = {"run_id": run_id, "attempt": attempt, "reason": reason, "silence": silence}
    return tx.sql(_STOPPED_SQL, values).one_or_none() is not None
