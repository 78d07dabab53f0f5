"""Pull agents over HTTP: claims, heartbeats, writes and outcomes. Every write carries the run's attempt."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Body, Path, Response
from fastapi import Request as HttpRequest
from fastapi.concurrency import run_in_threadpool
from pydantic import ConfigDict, Field, JsonValue

from casework.agents import Complete, Fail, HandOver, Outcome, Postpone
from casework.agents.stop import Suspended
from casework.api.auth import Worker
from casework.api.inputs import NOT_NULL, Input, at_most
from casework.api.request_schemas import Answer, NewRequest
from casework.api.route import GuardedRoute
from casework.api.schemas import LabelRef, Out
from casework.api.types import STORABLE, WHOLE, Data, LooseId, needs
from casework.api.waiting import Waiter
from casework.core import fields, model
from casework.core.duration import LONGEST, MAX_TEXT
from casework.core.model import MAX_LABELS, AgentId, Priority, RequestKind
from casework.core.names import MAX_NAME
from casework.core.requests import MAX_GROUP, Placed, Request
from casework.core.unset import UNSET
from casework.errors import InvalidInput
from casework.service import pull
from casework.service.agents import as_id
from casework.service.pull import PulledRun

router = APIRouter(tags=["pull agents"], route_class=GuardedRoute)

MAX_WAIT_SECONDS = 30
MAX_TEXT_CONTENT = 1_048_576


AgentRef = Annotated[str, Path(min_length=1, max_length=MAX_NAME, description="The agent's id, or its name."), STORABLE]


class Claim(Input):
    """How long to wait for a case, and the name of the worker."""

    wait_seconds: Annotated[int, Field(strict=True, ge=0, le=MAX_WAIT_SECONDS), WHOLE] = 0
    worker: Annotated[str, Field(min_length=1, max_length=200), STORABLE] = "pull"


class Attempt(Input):
    """The attempt that writes."""

    attempt: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1), WHOLE]


class NewToolCall(Input):
    id: Annotated[str, Field(min_length=1, max_length=200), STORABLE] | None = None
    name: Annotated[str, Field(min_length=1, max_length=200), STORABLE]
    arguments: Data = None


class NewToolResult(Input):
    tool_call_id: Annotated[str, Field(min_length=1, max_length=200), STORABLE]
    result: Data = None
    error: Data = None


CONTENTS = {"text": "text_content", "notice": "text_content", "tool_call": "tool_call", "tool_result": "tool_result"}
"""The field of each type of message."""


class NewMessage(Attempt):
    """A message of the agent; each type has its own field."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {
                    "required": [field] if type == "text" else ["type", field],
                    "properties": {
                        "type": {"const": type},
                        **{other: {"type": "null"} for other in CONTENTS.values()},
                        field: {"type": "string" if field == "text_content" else "object"},
                    },
                }
                for type, field in CONTENTS.items()
            ]
        }
    )

    type: Literal["text", "tool_call", "tool_result", "notice"] = "text"
    text_content: Annotated[str, Field(max_length=MAX_TEXT_CONTENT), STORABLE] | None = None
    tool_call: NewToolCall | None = None
    tool_result: NewToolResult | None = None
    key: Annotated[str, Field(min_length=1, max_length=100), STORABLE] | None = Field(
        None, description="The same key twice adds one message."
    )

    def content(self) -> dict[str, Any]:
        """What is stored. Raises InvalidInput if the field that the type needs is missing, or that of another one is given."""
        own = CONTENTS[self.type]
        if other := next((name for name in CONTENTS.values() if name != own and getattr(self, name) is not None), None):
            raise InvalidInput(f"A message of type {self.type} has {own}, and not {other}.")
        if own == "text_content" and self.text_content is not None:
            return {"text": self.text_content}
        part = {"tool_call": self.tool_call, "tool_result": self.tool_result}.get(self.type)
        if part is None:
            raise InvalidInput(f"A message of type {self.type} needs {own}.")
        return part.model_dump(exclude_none=True)


class Update(Attempt):
    """Changes to the case."""

    model_config = ConfigDict(json_schema_extra=needs("title", "data", "priority", "labels"))

    title: Annotated[str, Field(min_length=1, max_length=500), STORABLE] | None = None
    data: Data = None
    priority: Priority | None = None
    labels: Annotated[list[LabelRef], at_most(MAX_LABELS)] | None = Field(
        None, description="All labels that the case has from now on."
    )


class Step(Attempt):
    """The result of a step, which a later attempt does not repeat."""

    name: Annotated[str, Field(min_length=1, max_length=200), STORABLE]
    value: Data = None


Option = Annotated[str, Field(max_length=2000), STORABLE]


class Ask(Attempt):
    """What a person is asked."""

    type: Literal[RequestKind.QUESTION, RequestKind.APPROVAL] = RequestKind.QUESTION
    title: Annotated[str, Field(min_length=1, max_length=2000), STORABLE]
    description: Annotated[str, Field(max_length=10_000), STORABLE] | None = None
    options: Annotated[list[Option], at_most(50)] = Field(default=[])


BELONGS_TO = {"until": "postpone", "to": "hand_over", "requests": "needs_input", "retry_after": "try_again"}
"""The outcome that a field belongs to."""

NEEDED: dict[str, JsonValue] = {"until": {"type": "string"}, "to": {"type": "string"}, "requests": {"type": "array"}}
"""The fields without which their outcome cannot be, with what their schemas say."""


class Report(Attempt):
    """The outcome of an attempt."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": {"properties": {"outcome": {"const": outcome}}},
                    "then": {"required": [name], "properties": {name: NEEDED[name]}} if name in NEEDED else {},
                    "else": {"not": {"required": [name]}}
                    if name == "requests"
                    else {"properties": {name: {"type": "null"}}},
                }
                for name, outcome in BELONGS_TO.items()
            ]
        }
    )

    outcome: Literal["complete", "fail", "postpone", "hand_over", "needs_input", "try_again", "release"]
    reason: Annotated[str, Field(max_length=2000), STORABLE] | None = None
    until: Annotated[str, STORABLE] | None = Field(
        None, max_length=MAX_TEXT, description='For postpone: "2h", "1d", or a moment with its zone.'
    )
    to: Annotated[str, STORABLE] | None = Field(
        None, max_length=MAX_NAME, description="For hand_over: the name or id of an agent."
    )
    requests: Annotated[Annotated[list[NewRequest], Field(min_length=1), at_most(MAX_GROUP)] | None, NOT_NULL] = Field(
        None, description="For needs_input: what people are asked. The run goes on when all of it is answered."
    )
    retry_after: Annotated[float, Field(strict=True, ge=0, le=LONGEST.total_seconds())] | None = Field(
        None, description="For try_again: the seconds that a service asked to wait. Such a wait costs no attempt."
    )

    def check(self) -> None:
        """Raise InvalidInput for a field that the outcome needs and that is missing, or that belongs to another one."""
        for name, outcome in BELONGS_TO.items():
            given = getattr(self, name) is not None
            if given and self.outcome != outcome:
                raise InvalidInput(f"`{name}` belongs to the outcome {outcome}, and not to {self.outcome}.")
            if not given and self.outcome == outcome and name in NEEDED:
                raise InvalidInput(f"The outcome {outcome} needs `{name}`.")


class WorkLabel(Out):
    """A label of the case."""

    key: str
    value: str


class WorkCase(Out):
    """The case to work on."""

    id: UUID
    queue_id: UUID
    title: str
    data: Any
    priority: Priority
    labels: list[WorkLabel]
    created_at: datetime


class Work(Out):
    """A run that the caller now holds, with the answers and steps of its earlier attempts."""

    run_id: UUID
    attempt: int
    lease_seconds: float
    case: WorkCase
    answers: list[Answer]
    steps: dict[str, Any]


class Alive(Out):
    """Whether the run is asked to stop: then report the outcome `release`."""

    stop: bool


class Written(Out):
    result: str


@router.post(
    "/agents/{agent_id}/claim",
    operation_id="claim_case",
    response_model=Work,
    responses={204: {"description": "There is no case."}},
    summary="Claim a case",
)
async def claim_case(
    caller: Worker, agent_id: AgentRef, request: HttpRequest, body: Annotated[Claim | None, Body()] = None
) -> Any:
    """Claim a case and begin its run; waits up to `wait_seconds` for one, and answers 204 if none comes."""
    asked = body or Claim()
    casework = caller.casework
    id = as_id(agent_id)
    if id is None:
        id = await run_in_threadpool(pull.agent_id, casework.db, caller.team, agent_id, caller.agents)
    work = await run_in_threadpool(
        pull.claim, casework.db, casework.settings, caller.team, id, asked.worker, caller.agents
    )
    if work is None and asked.wait_seconds:
        waiter = Waiter(caller.key, AgentId(id), asked.worker, caller.agents)
        work = await request.app.state.waiting.wait(waiter, asked.wait_seconds, request)
    return Response(status_code=204) if work is None else _shaped(work, casework.settings.lease_seconds)


def _shaped(work: PulledRun, lease: float) -> dict[str, Any]:
    shared = {name: getattr(work, name) for name in ("run_id", "attempt", "case", "steps")}
    answers = [fields.of_answered(one) for one in work.answers]
    return {**shared, "answers": answers, "lease_seconds": lease}


@router.post("/runs/{run_id}/heartbeat", operation_id="heartbeat", response_model=Alive, summary="Send a heartbeat")
def heartbeat(caller: Worker, run_id: LooseId, body: Attempt) -> dict[str, Any]:
    """Keep the run for another lease; 409 if it was given to another attempt."""
    casework = caller.casework
    return {"stop": pull.heartbeat(casework.db, casework.settings, caller.team, run_id, body.attempt, caller.agents)}


@router.post("/runs/{run_id}/message", operation_id="add_message", response_model=Written, summary="Add a message")
def add_message(caller: Worker, run_id: LooseId, body: NewMessage) -> dict[str, Any]:
    """Record what the agent said, or called."""
    content = body.content()
    backend_of(caller, run_id, body.attempt).say(body.type, content, body.key or uuid4().hex)
    return {"result": "added"}


def backend_of(caller: Any, run_id: UUID, attempt: int) -> Any:
    """What the run writes with. Raises NotFound."""
    casework = caller.casework
    return pull.backend(casework.db, casework.settings, caller.team, run_id, attempt, casework.effects, caller.agents)


@router.post(
    "/runs/{run_id}/update", operation_id="update_held_case", response_model=Written, summary="Change the run's case"
)
def update_held_case(caller: Worker, run_id: LooseId, body: Update) -> dict[str, Any]:
    """Change the title, data, priority or labels of the case that the run holds; what is not given stays."""
    given = body.model_fields_set
    if not given & {"title", "data", "priority", "labels"}:
        raise InvalidInput("Give at least one of title, data, priority and labels.")
    labels = None if body.labels is None else [model.LabelRef(label.value, label.key) for label in body.labels]
    data = body.data if "data" in given else UNSET
    backend_of(caller, run_id, body.attempt).update(body.title, data, body.priority, labels)
    return {"result": "updated"}


@router.post("/runs/{run_id}/step", operation_id="record_step", response_model=Written, summary="Keep a step's result")
def record_step(caller: Worker, run_id: LooseId, body: Step) -> dict[str, Any]:
    """Keep a result, so that a resumed run does not repeat the step."""
    backend_of(caller, run_id, body.attempt).record_step(body.name, pull.as_json(body.value))
    return {"result": "kept"}


@router.post("/runs/{run_id}/ask", operation_id="ask_person", response_model=Written, summary="Ask a person")
def ask_person(caller: Worker, run_id: LooseId, body: Ask) -> dict[str, Any]:
    """Ask a person. The run ends for now; once answered it is claimed again, with the answer."""
    casework = caller.casework
    asked = Request(kind=body.type, title=body.title, description=body.description, options=body.options)
    who = (casework.db, casework.settings, caller.team, run_id, body.attempt)
    return {"result": casework.perform(pull.ask(*who, Suspended(Placed(asked)), caller.agents))}


@router.post(
    "/runs/{run_id}/outcome", operation_id="report_outcome", response_model=Written, summary="Report the outcome"
)
def report_outcome(caller: Worker, run_id: LooseId, body: Report) -> dict[str, Any]:
    """End the attempt: with an outcome, as a transient failure, or by releasing the run."""
    body.check()
    casework = caller.casework
    who = (casework.db, casework.settings, caller.team, run_id, body.attempt)
    if body.outcome == "release":
        return {"result": casework.perform(pull.release(*who, caller.agents))}
    if body.outcome == "needs_input":
        wait = Suspended(*(one.placed() for one in body.requests or ()))
        return {"result": casework.perform(pull.ask(*who, wait, caller.agents))}
    if body.outcome == "try_again":
        reason = body.reason or "the agent reported a transient failure"
        return {"result": casework.perform(pull.crashed(*who, reason, caller.agents, retry_after=body.retry_after))}
    return {"result": casework.perform(pull.outcome(*who, _outcome(body), caller.agents))}


def _outcome(body: Report) -> Outcome:
    match body.outcome:
        case "complete":
            return Complete(body.reason)
        case "fail":
            return Fail(body.reason or "the agent gave no reason")
        case "postpone":
            return Postpone(body.until or "", body.reason)
        case _:
            return HandOver(body.to or "", body.reason)
