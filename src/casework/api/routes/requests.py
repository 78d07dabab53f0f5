"""Human requests: what waits for a person, and the answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from casework.api.auth import Operator, Reader
from casework.api.inputs import NOT_NULL, Input, at_most
from casework.api.route import GuardedRoute
from casework.api.schemas import Out
from casework.api.types import MAX_OFFSET, STORABLE, Flag, LooseId, NameOrId, needs_one, one_of
from casework.core import fields
from casework.core.model import RequestKind
from casework.errors import InvalidInput, NotFound
from casework.service import queues, requests

router = APIRouter(tags=["human requests"], route_class=GuardedRoute)


class HumanRequest(Out):
    """What a run asked."""

    id: UUID
    case_id: UUID
    run_id: UUID
    type: RequestKind
    status: Literal["pending", "answered", "cancelled"]
    title: str
    description: str | None
    options: list[str]
    response: Any
    created_at: datetime
    responded_at: datetime | None
    responded_by: str | None


class HumanRequests(Out):
    """Requests, the oldest first."""

    human_requests: list[HumanRequest]
    limit: int
    offset: int


class OneHumanRequest(Out):
    human_request: HumanRequest


Question = Annotated[str, Field(max_length=2000), STORABLE]
AnswerText = Annotated[str, Field(max_length=100_000), STORABLE]


class Respond(Input):
    """`approved` for an approval, `answers` for a question: its title, and the answer."""

    model_config = ConfigDict(json_schema_extra=needs_one("approved", "answers"))

    approved: Annotated[Flag | None, NOT_NULL] = None
    answers: Annotated[Annotated[dict[Question, AnswerText], Field(min_length=1), at_most(1)] | None, NOT_NULL] = None


@router.get(
    "/human-requests", operation_id="list_human_requests", response_model=HumanRequests, summary="List human requests"
)
def list_human_requests(
    caller: Reader,
    queue_id: LooseId | None = None,
    queue: NameOrId = None,
    status: Annotated[Literal["pending", "all"], Query(description="Only those that wait, or all.")] = "pending",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
) -> dict[str, Any]:
    """What waits for a person, the oldest first."""
    db = caller.reads
    wanted = one_of("queue_id", queue_id, "queue", queue)
    id = queues.get(db, caller.team, wanted).id if wanted else None
    found = requests.find(db, caller.team, open_only=status == "pending", queue_id=id, limit=limit, offset=offset)
    return {"human_requests": [fields.of_request(request) for request in found], "limit": limit, "offset": offset}


@router.post(
    "/runs/{run_id}/human-requests/{request_id}/respond",
    operation_id="respond_to_human_request",
    response_model=OneHumanRequest,
    summary="Answer a human request",
)
def respond_to_human_request(caller: Operator, run_id: LooseId, request_id: LooseId, body: Respond) -> dict[str, Any]:
    """Answer once; the run goes on. A second answer is a 409."""
    if len(body.model_fields_set) != 1 or (body.approved is None) == (body.answers is None):
        raise InvalidInput("Give exactly one of approved and answers.")
    casework = caller.casework
    request = requests.get(casework.db, caller.team, request_id)
    if request.run_id != run_id:
        raise NotFound("request", request_id)
    if body.approved is not None:
        done = requests.decide(casework.db, caller.team, request_id, body.approved, by=caller.name)
    else:
        assert body.answers is not None
        ((question, value),) = body.answers.items()
        if request.kind is RequestKind.QUESTION and question != request.title:
            raise InvalidInput(f"The question is {request.title!r}, not {question!r}.")
        done = requests.answer(casework.db, caller.team, request_id, value, by=caller.name)
    return {"human_request": fields.of_request(casework.perform(done))}
