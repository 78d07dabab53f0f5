"""Human requests: what waits for a person, and the answer."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from casework.api.auth import Answerer, Reader
from casework.api.inputs import NOT_NULL, Input, at_most
from casework.api.request_schemas import Assignee, HumanRequest, Json
from casework.api.route import GuardedRoute
from casework.api.schemas import Out
from casework.api.types import MAX_OFFSET, STORABLE, Data, Flag, LooseId, NameOrId, needs, needs_one, one_of
from casework.core import fields
from casework.core.model import RequestKind
from casework.core.requests import Answering, Decision
from casework.core.unset import UNSET
from casework.errors import InvalidInput, NotFound
from casework.service import queues, requests

router = APIRouter(tags=["human requests"], route_class=GuardedRoute)


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


class AnswerGiven(Input):
    """A decision that the request permits, with what belongs to it."""

    model_config = ConfigDict(json_schema_extra=needs("decision", "value", "arguments"))

    decision: Literal[Decision.APPROVE, Decision.EDIT, Decision.REJECT, Decision.RESPOND] | None = Field(
        None, description="Without one, a value responds, arguments edit, and true or false approves or rejects."
    )
    value: Data = Field(None, description="For respond: text, or what the request's schema demands.")
    arguments: Json | None = Field(None, description="For edit: the action's arguments.")
    message: Annotated[str, Field(max_length=10_000), STORABLE] | None = None

    def given(self) -> Answering:
        value = self.value if "value" in self.model_fields_set else UNSET
        return Answering(decision=self.decision, value=value, arguments=self.arguments, message=self.message)


ME = "me"


@router.get(
    "/human-requests", operation_id="list_human_requests", response_model=HumanRequests, summary="List human requests"
)
def list_human_requests(
    caller: Reader,
    queue_id: LooseId | None = None,
    queue: NameOrId = None,
    status: Annotated[Literal["pending", "all"], Query(description="Only those that wait, or all.")] = "pending",
    kind: RequestKind | None = None,
    assignee: Annotated[
        Assignee | None, Query(description="Only those that are assigned to that name; `me`: to the key or its person.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
) -> dict[str, Any]:
    """What waits for a person, the oldest first."""
    db = caller.reads
    wanted = one_of("queue_id", queue_id, "queue", queue)
    id = queues.get(db, caller.team, wanted).id if wanted else None
    me = [name for name in (caller.key.name, caller.person) if name]
    names = None if assignee is None else me if assignee == ME else [assignee]
    found = requests.find(
        db,
        caller.team,
        open_only=status == "pending",
        queue_id=id,
        kind=kind,
        assignees=names,
        limit=limit,
        offset=offset,
    )
    return {"human_requests": [fields.of_request(request) for request in found], "limit": limit, "offset": offset}


@router.get(
    "/human-requests/{request_id}",
    operation_id="get_human_request",
    response_model=OneHumanRequest,
    summary="Get a human request",
)
def get_human_request(caller: Reader, request_id: LooseId) -> dict[str, Any]:
    """A request, with its answer if it has one."""
    return {"human_request": fields.of_request(requests.get(caller.reads, caller.team, request_id))}


@router.post(
    "/human-requests/{request_id}/answer",
    operation_id="answer_human_request",
    response_model=OneHumanRequest,
    summary="Answer a request of any kind",
)
def answer_human_request(caller: Answerer, request_id: LooseId, body: AnswerGiven) -> dict[str, Any]:
    """Answer once; the run goes on when all requests of its wait are answered. A second answer is a 409 that says what the
    first one was."""
    done = requests.answer(caller.db, caller.team, request_id, body.given())
    return {"human_request": fields.of_request(caller.casework.perform(done))}


@router.post(
    "/runs/{run_id}/human-requests/{request_id}/respond",
    operation_id="respond_to_human_request",
    response_model=OneHumanRequest,
    summary="Answer a human request",
)
def respond_to_human_request(caller: Answerer, run_id: LooseId, request_id: LooseId, body: Respond) -> dict[str, Any]:
    """Answer a question or an approval once; the run goes on. A second answer is a 409."""
    if len(body.model_fields_set) != 1 or (body.approved is None) == (body.answers is None):
        raise InvalidInput("Give exactly one of approved and answers.")
    request = requests.get(caller.db, caller.team, request_id)
    if request.run_id != run_id:
        raise NotFound("request", request_id)
    if body.approved is not None:
        done = requests.decide(caller.db, caller.team, request_id, body.approved)
    else:
        assert body.answers is not None
        ((question, value),) = body.answers.items()
        if request.kind is RequestKind.QUESTION and question != request.title:
            raise InvalidInput(f"The question is {request.title!r}, not {question!r}.")
        done = requests.answer(caller.db, caller.team, request_id, value)
    return {"human_request": fields.of_request(caller.casework.perform(done))}
