"""Requests to stop: for good, because a person took the case, or to release it, so that another worker goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from casework.core.lifecycle import RunStatus
from casework.core.model import CaseId, QueueId, RunId
from casework.store.bound import IN_SLOT
from casework.store.database import NOW, Tx
from casework.store.literals import same_status
from casework.store.transitions.clauses import ended_late

# A running run is asked, and has until the deadline; one that no worker executes ends here. The runs are found by their
# case and not by the case's binding: a run that was asked before, and has not stopped yet, is bound no more.
_INTERRUPT_SQL = f"""
with locked as (
  select id, case_id from runs where case_id = any(%(cases)s::uuid[]) and live order by id for no key update
)
update runs r
set status = case when r.status = '{RunStatus.RUNNING}' then r.status else '{RunStatus.INTERRUPTED}' end,
    completed_at = case when r.status = '{RunStatus.RUNNING}' then null else %(now)s end,
    ended_late_at = case when r.status = '{RunStatus.RUNNING}' then null else {ended_late("%(now)s")} end,
    stop_requested_at = coalesce(r.stop_requested_at, %(now)s),
    stop_deadline = case when r.status = '{RunStatus.RUNNING}' then coalesce(r.stop_deadline, %(deadline)s) end,
    release_on_stop = false, reason = %(reason)s, case_id = case when %(forget)s then null else r.case_id end
from locked l where r.id = l.id
returning l.case_id, r.id as run_id, r.stop_deadline as runs_until
"""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A live run that was interrupted; `runs_until` is None if no worker executes it."""

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


_RELEASE_SQL = f"""
with asked as (
  select r.id from cases b join runs r on r.id = b.run_id
  where {IN_SLOT} and r.status = '{RunStatus.RUNNING}' and r.stop_requested_at is null
    and (%(queue_id)s::uuid is null or b.queue_id = %(queue_id)s) and (%(worker)s::text is null or r.worker = %(worker)s)
  order by r.id for no key update of r
)
update runs r set stop_requested_at = {NOW}, stop_deadline = {NOW} + %(grace)s, release_on_stop = true, {same_status("r")}
from asked where r.id = asked.id returning r.id
"""


def ask_to_release(
    tx: Tx, grace: timedelta, *, queue_id: QueueId | None = None, worker: str | None = None
) -> list[RunId]:
    """Ask the running runs of a queue or of a worker to stop and give their cases back."""
    rows = tx.sql(_RELEASE_SQL, {"queue_id": queue_id, "worker": worker, "grace": grace})
    return [RunId(row.id) for row in rows]
