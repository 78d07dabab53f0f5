from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import Field

from casework.api.auth import Operator, Reader
from casework.api.inputs import Input
from casework.api.route import GuardedRoute
from casework.api.schemas import Out, RunMessages, Success
from casework.api.types import MAX_OFFSET, STORABLE, LooseId, NameOrId, listed, one_of
from casework.core import fields
from casework.core.lifecycle import RunStatus
from casework.core.statuses import read_statuses
from casework.service import agents, queues, runs

router = APIRouter(prefix="/runs", tags=["runs"], route_class=GuardedRoute)

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET)]
After = Annotated[
    int,
    Query(ge=0, le=MAX_OFFSET, description="The last id of the page before: costs the same however far it is."),
]


class Usage(Out):
    """What the models of a run have used, as far as its agent told."""

    input_tokens: int
    output_tokens: int
    requests: int
    cost: float
    models: list[str]


class Run(Out):
    """One agent's work on one case."""

    id: UUID
    case_id: UUID | None
    queue_id: UUID
    agent_id: UUID
    agent_name: str
    status: RunStatus
    attempt: int
    failures: int
    outcome: str | None
    reason: str | None
    error: str | None
    worker: str | None
    created_at: datetime
    started_at: datetime | None
    alive_at: datetime | None
    stop_requested_at: datetime | None
    completed_at: datetime | None
    refused_writes: int
    usage: Usage


class OneRun(Out):
    run: Run


class Runs(Out):
    """Runs, newest first."""

    runs: list[Run]
    limit: int
    offset: int


class Step(Out):
    """A step, and the result that the run remembers of it."""

    name: str
    value: Any
    created_at: datetime


class Steps(Out):
    steps: list[Step]
    limit: int
    offset: int


class StopRun(Input):
    """Why, for the case's history."""

    reason: Annotated[str, Field(max_length=2000), STORABLE] | None = None


@router.get("", operation_id="list_runs", response_model=Runs, summary="List runs")
def list_runs(
    caller: Reader,
    queue_id: LooseId | None = None,
    case_id: LooseId | None = None,
    agent_id: LooseId | None = None,
    queue: NameOrId = None,
    agent: NameOrId = None,
    status: Annotated[
        str | None,
        Query(
            max_length=200,
            description="One or more statuses, comma-separated.",
            json_schema_extra={"pattern": listed(RunStatus)},
        ),
    ] = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> dict[str, Any]:
    """Runs of the team, newest first."""
    one_of("queue_id", queue_id, "queue", queue)
    one_of("agent_id", agent_id, "agent", agent)
    found = runs.find(
        caller.reads,
        caller.team,
        queue_id=queues.get(caller.reads, caller.team, queue).id if queue else queue_id,
        case_id=case_id,
        agent_id=agents.get(caller.reads, caller.team, agent).id if agent else agent_id,
        statuses=read_statuses(RunStatus, status, "status"),
        limit=limit,
        offset=offset,
    )
    return {"runs": found, "limit": limit, "offset": offset}


@router.get("/{run_id}", operation_id="get_run", response_model=OneRun, summary="Get a run")
def get_run(caller: Reader, run_id: LooseId) -> dict[str, Any]:
    return {"run": runs.get(caller.reads, caller.team, run_id)}


@router.get(
    "/{run_id}/messages",
    operation_id="list_run_messages",
    response_model=RunMessages,
    response_model_exclude_none=True,
    summary="List messages",
)
def list_run_messages(
    caller: Reader, run_id: LooseId, limit: Limit = 20, offset: Offset = 0, after: After = 0
) -> dict[str, Any]:
    """What a run said and called, the oldest first."""
    found = runs.list_messages(caller.reads, caller.team, run_id, limit=limit, offset=offset, after=after)
    return {"messages": [fields.of_message(one) for one in found]}


@router.get("/{run_id}/steps", operation_id="list_run_steps", response_model=Steps, summary="List steps")
def list_run_steps(caller: Reader, run_id: LooseId, limit: Limit = 20, offset: Offset = 0) -> dict[str, Any]:
    """The steps that a run has done, or that a retry kept for it, with their results, in their order."""
    found = runs.list_steps(caller.reads, caller.team, run_id, limit=limit, offset=offset)
    return {"steps": found, "limit": limit, "offset": offset}


@router.post("/{run_id}/stop", operation_id="stop_run", response_model=Success, summary="Stop a run")
def stop_run(caller: Operator, run_id: LooseId, body: Annotated[StopRun | None, Body()] = None) -> dict[str, Any]:
    """Stop a run; its case fails with the reason."""
    casework = caller.casework
    casework.perform(runs.stop(caller.db, casework.settings, caller.team, run_id, body.reason if body else None))
    return {"success": True}
