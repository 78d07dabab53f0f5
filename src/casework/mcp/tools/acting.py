"""Tools for producers and operators: add cases, and decide about those that are there."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from casework.core.lifecycle import CaseStatus
from casework.core.roles import Right
from casework.errors import InvalidInput
from casework.mcp.caller import Caller
from casework.mcp.shapes import AgentRef, CaseRef, NewCase, QueueRef, Reason
from casework.mcp.tool import tool
from casework.service import agents, cases, queues
from casework.service.overrides import CasesChanged


class Added(BaseModel):
    case_ids: list[UUID] = Field(description="In the order of the arguments.")
    existing_case_ids: list[UUID] = Field(description="Those that were there already, with the same key.")


@tool(Right.ADD)
def add_cases(
    caller: Caller, queue: QueueRef, cases: Annotated[list[NewCase], Field(min_length=1, max_length=100)]
) -> Added:
    """Add up to 100 cases to a queue: all, or none."""
    new = []
    for place, one in enumerate(cases):
        try:
            new.append(one.made())
        except InvalidInput as error:
            raise InvalidInput(f"cases.{place}: {error}") from None
    found = queues.get(caller.db, caller.team, queue)
    done = caller.casework.perform(_create(caller.db, found.id, new))
    return Added(case_ids=[case.id for case in done.cases], existing_case_ids=list(done.existing))


_create = cases.create_and_get


class Changed(BaseModel):
    changed: bool = Field(description="False if the case was in that state already.")
    status: CaseStatus
    interrupted_run_ids: list[UUID] = Field(description="Runs that were at work on the case, and are asked to stop.")


def _changed(caller: Caller, case_id: UUID, done: CasesChanged) -> Changed:
    (case,) = cases.get_many(caller.db, [case_id])
    return Changed(changed=bool(done.moved), status=case.status, interrupted_run_ids=list(done.interrupted))


@tool(Right.OPERATE, destroys=True)
def retry_case(
    caller: Caller,
    case_id: CaseRef,
    same_agent: Annotated[bool, Field(description="Only the agent that had it last may take it.")] = False,
    keep_steps: Annotated[bool, Field(description="What was done is not done again.")] = False,
) -> Changed:
    """Set a case back to pending, so that it is worked on again. Interrupts its run and cancels its open requests."""
    casework = caller.casework
    queue_id = cases.queue_of(caller.db, caller.team, case_id)
    done = cases.retry(caller.db, casework.settings, queue_id, [case_id], same_agent=same_agent, keep_steps=keep_steps)
    return _changed(caller, case_id, casework.perform(done))


@tool(Right.OPERATE, destroys=True)
def delegate_case(caller: Caller, case_id: CaseRef, agent: AgentRef) -> Changed:
    """Give a case to one agent, which must be a consumer of the queue. Interrupts its run and cancels its open requests."""
    casework = caller.casework
    queue_id = cases.queue_of(caller.db, caller.team, case_id)
    target = agents.get(caller.db, caller.team, agent)
    return _changed(
        caller, case_id, casework.perform(cases.delegate(caller.db, casework.settings, queue_id, [case_id], target.id))
    )


@tool(Right.OPERATE, destroys=True, idempotent=True)
def settle_case(
    caller: Caller, case_id: CaseRef, status: Literal["completed", "failed"], reason: Reason | None = None
) -> Changed:
    """End a case by hand. Interrupts its run and cancels its open requests."""
    casework = caller.casework
    queue_id = cases.queue_of(caller.db, caller.team, case_id)
    done = cases.settle(caller.db, casework.settings, queue_id, [case_id], CaseStatus(status), reason)
    return _changed(caller, case_id, casework.perform(done))


TOOLS = (add_cases, retry_case, delegate_case, settle_case)
