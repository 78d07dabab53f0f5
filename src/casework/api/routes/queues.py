"""Queues and their consumers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from casework.api.auth import Manager, Operator, Reader
from casework.api.inputs import NOT_NULL, Input
from casework.api.route import GuardedRoute
from casework.api.schemas import Out, Success
from casework.api.types import STORABLE, WHOLE, Flag, LooseId, Name, needs
from casework.core.model import QueueMode
from casework.core.unset import UNSET
from casework.errors import InvalidInput
from casework.service import queues

router = APIRouter(prefix="/queues", tags=["queues"], route_class=GuardedRoute)


class NewQueue(Input):
    """A queue to create."""

    name: Name
    description: Annotated[str, Field(max_length=500), STORABLE] | None = None


class PatchQueue(Input):
    """What changes; what is not given stays."""

    model_config = ConfigDict(json_schema_extra=needs("name", "description"))

    name: Annotated[Name | None, NOT_NULL] = None
    description: Annotated[str, Field(max_length=500), STORABLE] | None = None


class Queue(Out):
    """Where cases wait."""

    id: UUID
    name: str
    description: str | None
    mode: QueueMode
    created_at: datetime
    updated_at: datetime


class OneQueue(Out):
    queue: Queue


class Queues(Out):
    """Queues, by name."""

    queues: list[Queue]
    total: int


class Stats(Out):
    """The present content of a queue, and what happened lately."""

    cases: dict[str, int]
    live_runs: dict[str, int]
    oldest_pending_at: datetime | None
    oldest_pending_seconds: float | None
    ended_last_hour: int
    counters: dict[str, int]


class DeletedQueue(Out):
    """What was deleted with the queue."""

    success: bool
    deleted_case_count: int
    interrupted_run_ids: list[UUID]


class PutConsumer(Input):
    """How an agent is connected. Without a concurrency there is no limit."""

    trigger: Flag = True
    concurrency: Annotated[int, Field(strict=True, ge=1, le=100_000), WHOLE] | None = None


class Consumer(Out):
    """An agent connected to a queue."""

    agent_id: UUID
    agent_name: str
    trigger: bool
    concurrency: int | None
    live_runs: Annotated[int, Field(validation_alias="used_slots", description="Those that are pending or running.")]


class OneConsumer(Out):
    consumer: Consumer


class Consumers(Out):
    """Consumers, by name."""

    consumers: list[Consumer]


@router.post("", operation_id="create_queue", status_code=201, response_model=OneQueue, summary="Create a queue")
def create_queue(caller: Manager, body: NewQueue) -> dict[str, Any]:
    """Create a queue; its name is unique in the team."""
    return {"queue": queues.create(caller.db, caller.team, body.name, body.description)}


@router.get("", operation_id="list_queues", response_model=Queues, summary="List queues")
def list_queues(caller: Reader) -> dict[str, Any]:
    """All queues of the team."""
    found = queues.find(caller.reads, caller.team)
    return {"queues": found, "total": len(found)}


@router.get("/{queue_id}", operation_id="get_queue", response_model=OneQueue, summary="Get a queue")
def get_queue(caller: Reader, queue_id: LooseId) -> dict[str, Any]:
    return {"queue": queues.get(caller.reads, caller.team, queue_id)}


@router.patch("/{queue_id}", operation_id="update_queue", response_model=OneQueue, summary="Change a queue")
def update_queue(caller: Manager, queue_id: LooseId, body: PatchQueue) -> dict[str, Any]:
    """Change a queue's name or description."""
    given = body.model_fields_set
    if not given or ("name" in given and body.name is None):
        raise InvalidInput("Give a name, a description, or both; a name cannot be null.")
    changed = queues.update(
        caller.db,
        caller.team,
        queue_id,
        name=UNSET if body.name is None else body.name,
        description=body.description if "description" in given else UNSET,
    )
    return {"queue": changed}


@router.delete("/{queue_id}", operation_id="delete_queue", response_model=DeletedQueue, summary="Delete a queue")
def delete_queue(caller: Manager, queue_id: LooseId) -> dict[str, Any]:
    """Delete a queue with its cases; live runs are interrupted first."""
    casework = caller.casework
    count, interrupted = casework.perform(queues.delete(caller.db, casework.settings, caller.team, queue_id))
    return {"success": True, "deleted_case_count": count, "interrupted_run_ids": interrupted}


@router.post("/{queue_id}/pause", operation_id="pause_queue", response_model=OneQueue, summary="Pause a queue")
def pause_queue(caller: Operator, queue_id: LooseId) -> dict[str, Any]:
    """Claim nothing from the queue; runs that are being executed finish."""
    return _set_mode(caller, queue_id, QueueMode.PAUSED)


@router.post("/{queue_id}/resume", operation_id="resume_queue", response_model=OneQueue, summary="Resume a queue")
def resume_queue(caller: Operator, queue_id: LooseId) -> dict[str, Any]:
    """Claim from the queue again."""
    return _set_mode(caller, queue_id, QueueMode.ACTIVE)


def _set_mode(caller: Any, queue_id: UUID, mode: QueueMode) -> dict[str, Any]:
    casework = caller.casework
    return {"queue": casework.perform(queues.set_mode(caller.db, caller.team, queue_id, mode))}


@router.get("/{queue_id}/stats", operation_id="get_queue_stats", response_model=Stats, summary="What a queue holds")
def get_queue_stats(caller: Reader, queue_id: LooseId) -> dict[str, Any]:
    """Cases by status, live runs, the age of the oldest pending case, how many cases ended in the last hour, and how
    often since the queue was made a late write was refused, a run was interrupted by force or lost its worker, and a
    message was sent again."""
    found = caller.counts.get(
        caller.team, ("stats", queue_id), lambda: queues.stats(caller.reads, caller.team, queue_id)
    )
    return {
        "cases": found.cases,
        "live_runs": found.live_runs,
        "oldest_pending_at": found.oldest_pending_at,
        "oldest_pending_seconds": found.oldest_pending_seconds,
        "ended_last_hour": found.ended_last_hour,
        "counters": found.counters,
    }


@router.get("/{queue_id}/consumers", operation_id="list_consumers", response_model=Consumers, summary="List consumers")
def list_consumers(caller: Reader, queue_id: LooseId) -> dict[str, Any]:
    """The agents that are connected to a queue."""
    return {"consumers": queues.consumers(caller.reads, caller.team, queue_id)}


@router.put(
    "/{queue_id}/consumers/{agent_id}",
    operation_id="put_consumer",
    response_model=OneConsumer,
    summary="Connect an agent",
)
def put_consumer(caller: Manager, queue_id: LooseId, agent_id: LooseId, body: PutConsumer) -> dict[str, Any]:
    """Connect an agent to a queue, or change how it is connected."""
    casework = caller.casework
    consumer = queues.set_consumer(
        caller.db, caller.team, queue_id, agent_id, trigger=body.trigger, concurrency=body.concurrency
    )
    return {"consumer": casework.perform(consumer)}


@router.delete(
    "/{queue_id}/consumers/{agent_id}",
    operation_id="delete_consumer",
    response_model=Success,
    summary="Disconnect an agent",
)
def delete_consumer(caller: Manager, queue_id: LooseId, agent_id: LooseId) -> dict[str, Any]:
    """Disconnect an agent: its live runs are interrupted, its cases go back to the others."""
    casework = caller.casework
    casework.perform(queues.remove_consumer(caller.db, casework.settings, caller.team, queue_id, agent_id))
    return {"success": True}
