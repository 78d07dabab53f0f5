"""Limits over queues, agents, and the values of labels and fields."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from casework.api.auth import Manager, Reader
from casework.api.inputs import Input
from casework.api.route import GuardedRoute
from casework.api.schemas import Out, Success
from casework.api.types import STORABLE, WHOLE, LooseId, needs
from casework.core import limits as core
from casework.service import limits

router = APIRouter(prefix="/limits", tags=["limits"], route_class=GuardedRoute)

COUNT = Field(strict=True, ge=1, le=limits.MAX_COUNT)


class NewRate(Input):
    """How many runs may start in a time, evenly; `burst` of them may follow each other at once after a pause."""

    count: Annotated[int, COUNT, WHOLE]
    seconds: Annotated[float, Field(strict=True, ge=0.001, le=limits.MAX_SECONDS)]
    burst: Annotated[int, COUNT, WHOLE] = 1


class Rate(Out):
    """How many runs may start in a time."""

    count: int
    seconds: float
    burst: int


class PutLimit(Input):
    """What is bounded, and how: a queue, an agent, or an agent in a queue; runs at once, starts in a time, or both."""

    model_config = ConfigDict(
        json_schema_extra={"allOf": [needs("queue_id", "agent_id"), needs("concurrency", "rate")]}
    )

    queue_id: LooseId | None = Field(None, description="Without it, over all queues of the agent.")
    agent_id: LooseId | None = Field(None, description="Without it, over all agents of the queue.")
    key: Annotated[str, Field(min_length=1, max_length=limits.MAX_KEY), STORABLE] | None = Field(
        None, description="`label:NAME` or `data.PATH`: each of its values is bounded for itself."
    )
    concurrency: Annotated[int, Field(strict=True, ge=1, le=limits.MAX_CONCURRENCY), WHOLE] | None = None
    rate: NewRate | None = None


class Limit(Out):
    """How many runs at once, and how many starts in a time."""

    id: UUID
    queue_id: UUID | None
    queue_name: str | None
    agent_id: UUID | None
    agent_name: str | None
    key: str | None
    concurrency: int | None
    rate: Rate | None
    live_runs: Annotated[int, Field(description="Those that count against it now, over all values.")]


class OneLimit(Out):
    limit: Limit


class Limits(Out):
    """Limits, by queue, agent and key."""

    limits: list[Limit]


@router.get("", operation_id="list_limits", response_model=Limits, summary="List limits")
def list_limits(caller: Reader, queue_id: LooseId | None = None) -> dict[str, Any]:
    """All limits of the team, or those that bind the cases of a queue."""
    return {"limits": [limits.fields_of(one) for one in limits.find(caller.reads, caller.team, queue_id)]}


@router.put("", operation_id="put_limit", response_model=OneLimit, summary="Set a limit")
def put_limit(caller: Manager, body: PutLimit) -> dict[str, Any]:
    """Make a limit, or change the one that has this queue, agent and key. Every claim after it keeps to it."""
    rate = core.Rate(body.rate.count, body.rate.seconds, body.rate.burst) if body.rate else None
    made = limits.put(
        caller.db,
        caller.team,
        queue=body.queue_id,
        agent=body.agent_id,
        key=body.key,
        concurrency=body.concurrency,
        rate=rate,
    )
    return {"limit": limits.fields_of(caller.casework.perform(made))}


@router.delete("/{limit_id}", operation_id="delete_limit", response_model=Success, summary="Delete a limit")
def delete_limit(caller: Manager, limit_id: LooseId) -> dict[str, Any]:
    """Delete a limit. What waited because of it is claimed in its turn."""
    caller.casework.perform(limits.delete(caller.db, caller.team, limit_id))
    return {"success": True}
