"""The contract's operations on up to a hundred cases at once, each one transaction."""

from typing import Any

from fastapi import APIRouter

from casework.api import bulk_schemas as s
from casework.api.auth import Operator
from casework.api.route import GuardedRoute
from casework.api.schemas import Deleted
from casework.api.types import LooseId
from casework.core.lifecycle import CaseStatus
from casework.service import agents, cases, queues
from casework.service.diagnosis.queue import why_untaken

router = APIRouter(prefix="/queues/{queue_id}/cases", tags=["bulk"], route_class=GuardedRoute)


@router.post(
    "/bulk-delegate", operation_id="bulk_delegate", response_model=s.Delegated, summary="Give cases to an agent"
)
def bulk_delegate(caller: Operator, queue_id: LooseId, body: s.BulkDelegate) -> dict[str, Any]:
    """Interrupt live runs, set the cases to pending, and assign them to the agent."""
    casework = caller.casework
    queue = queues.get(caller.db, caller.team, queue_id)
    agent = agents.get(caller.db, caller.team, body.agent_id)
    done = casework.perform(cases.delegate(caller.db, casework.settings, queue.id, body.case_ids, agent.id))
    return {"delegatedCount": len(done.moved), "skippedCount": done.skipped}


@router.post(
    "/bulk-retry",
    operation_id="bulk_retry",
    response_model=s.Retried,
    response_model_exclude_unset=True,
    summary="Set cases back to pending",
)
def bulk_retry(caller: Operator, queue_id: LooseId, body: s.BulkRetry) -> dict[str, Any]:
    """Interrupt live runs and set the cases to pending; those that are pending already are skipped. A delegation ends, except with `same_agent`. Steps are done again, except with `keep_steps`."""
    casework = caller.casework
    queue = queues.get(caller.db, caller.team, queue_id)
    done = casework.perform(
        cases.retry(
            caller.db,
            casework.settings,
            queue.id,
            body.case_ids,
            same_agent=body.same_agent,
            keep_steps=body.keep_steps,
        )
    )
    counts: dict[str, Any] = {"retriedCount": len(done.moved), "skippedCount": done.skipped}
    if (
        done.moved
        and not body.same_agent
        and (cause := why_untaken(caller.db, casework.settings, caller.team, queue.id))
    ):
        counts["untaken"] = {"code": cause.reason, "message": cause.detail}
    return counts


@router.post(
    "/bulk-postpone", operation_id="bulk_postpone", response_model=s.Postponed, summary="Set cases aside until later"
)
def bulk_postpone(caller: Operator, queue_id: LooseId, body: s.BulkPostpone) -> dict[str, Any]:
    """Set pending cases aside, or change until when postponed ones wait; others are skipped. A delegation stays."""
    casework = caller.casework
    queue = queues.get(caller.db, caller.team, queue_id)
    done = casework.perform(
        cases.postpone(caller.db, casework.settings, queue.id, body.case_ids, body.until, body.reason)
    )
    return {"postponedCount": len(done.moved), "skippedCount": done.skipped, "interruptedRunIds": done.interrupted}


@router.post("/bulk-delete", operation_id="bulk_delete", response_model=Deleted, summary="Delete cases")
def bulk_delete(caller: Operator, queue_id: LooseId, body: s.BulkCases) -> dict[str, Any]:
    """Delete cases; live runs are interrupted first."""
    casework = caller.casework
    queue = queues.get(caller.db, caller.team, queue_id)
    done = casework.perform(cases.delete(caller.db, casework.settings, queue.id, body.case_ids))
    return {"deletedCount": len(done.moved), "interruptedRunIds": done.interrupted}


@router.post(
    "/bulk-update-status", operation_id="bulk_update_status", response_model=s.Updated, summary="End cases by hand"
)
def bulk_update_status(caller: Operator, queue_id: LooseId, body: s.BulkStatus) -> dict[str, Any]:
    """Set a terminal status; live runs are interrupted, open human requests cancelled."""
    casework = caller.casework
    queue = queues.get(caller.db, caller.team, queue_id)
    done = casework.perform(
        cases.settle(caller.db, casework.settings, queue.id, body.case_ids, CaseStatus(body.status))
    )
    return {"updatedCount": len(done.moved), "skippedCount": done.skipped, "interruptedRunIds": done.interrupted}
