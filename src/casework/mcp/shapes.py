"""What tools return and take: the records of casework, as short as a model needs them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from casework.core import model
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import MAX_LABEL, MAX_LABELS, MAX_TITLE, LabelRef, Priority
from casework.core.names import MAX_NAME
from casework.core.requests import Decision, HumanRequest
from casework.mcp.bounds import MAX_VALUE, as_json, cut, short

QueueRef = Annotated[str, Field(min_length=1, max_length=MAX_NAME, description="Name or id of a queue.")]
AgentRef = Annotated[str, Field(min_length=1, max_length=MAX_NAME, description="Name or id of an agent.")]
CaseRef = Annotated[UUID, Field(description="Id of a case.")]
Offset = Annotated[int, Field(ge=0, le=1_000_000)]
Reason = Annotated[str, Field(max_length=2000, description="Why, for whoever reads the case's history.")]
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
Data = Annotated[Any, Field(description="Text or any JSON value.")]
Labels = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=2 * MAX_LABEL)]],
    Field(max_length=MAX_LABELS, description='Labels, as "key=value" or "value".'),
]
Key = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_TITLE,
        description="Identifies the case in its queue: a second one with this key is not created, so a repeated call is harmless.",
    ),
]
When = Annotated[
    str, Field(min_length=1, max_length=100, description='"2h", "1d", or a moment such as 2026-12-01T09:00:00Z.')
]


def read_labels(texts: Sequence[str] | None) -> tuple[LabelRef, ...]:
    """Labels, each from `value` or `key=value`. Raises InvalidInput."""
    return tuple(_label(text) for text in texts or ())


def _label(text: str) -> LabelRef:
    key, separator, value = text.partition("=")
    return LabelRef(value, key) if separator else LabelRef(text)


class NewCase(BaseModel):
    title: Title
    data: Data = ""
    labels: Labels | None = None
    priority: Priority = Priority.NONE
    key: Key | None = None
    ready_at: When | None = None

    def made(self) -> model.NewCase:
        """The case to create. Raises InvalidInput."""
        return model.NewCase(self.title, self.data, read_labels(self.labels), self.priority, self.key, self.ready_at)


class Case(BaseModel):
    id: UUID
    title: str
    status: CaseStatus
    priority: Priority
    labels: list[str]
    created_at: datetime
    updated_at: datetime
    postponed_to: datetime | None = None
    key: str | None = None


def case_fields(case: model.Case, most: int = MAX_VALUE) -> dict[str, Any]:
    """The fields of Case, with labels of at most that many characters."""
    names = ("id", "title", "status", "priority", "created_at", "updated_at", "postponed_to", "key")
    return {**{name: getattr(case, name) for name in names}, "labels": _labels(case, most)}


def _labels(case: model.Case, most: int) -> list[str]:
    shown: list[str] = []
    for label in case.labels:
        text = str(LabelRef(label.value, label.key))
        most -= len(text)
        if most < 0:
            return [*shown, f"[{len(case.labels) - len(shown)} more labels]"]
        shown.append(text)
    return shown


class Request(BaseModel):
    """What a run asks a person."""

    id: UUID
    case_id: UUID
    case_title: str
    type: model.RequestKind
    status: str
    title: str
    description: str | None = None
    options: list[str] | None = Field(None, description="The only answers, if there are any.")
    action: str | None = Field(None, description="What is to be approved.")
    arguments: Any = Field(
        None, description="The action's arguments; once it was approved, what is to be done with it."
    )
    answer_schema: Any = Field(None, description="The JSON Schema of the answer.")
    decisions: list[Decision]
    assignees: list[str] | None = Field(None, description="Who may answer, if not everybody may.")
    approved_by: list[str] | None = None
    created_at: datetime
    expires_at: datetime | None = None
    decision: Decision | None = None
    answer: Any = None
    message: str | None = None
    answered_by: str | None = None


def request_of(request: HumanRequest, most: int = MAX_VALUE) -> Request:
    """The request, with at most that many characters of each value and text."""
    return Request(
        id=request.id,
        case_id=request.case_id,
        case_title=request.case_title,
        type=request.kind,
        status=request.status,
        title=cut(request.title, most) or "",
        description=cut(request.description, most),
        options=_options(request.options, most),
        action=request.action.name if request.action else None,
        arguments=short(request.arguments or (request.action.arguments if request.action else None), most),
        answer_schema=short(request.schema, most),
        decisions=list(request.decisions),
        assignees=list(request.assignees) or None,
        approved_by=list(request.approved_by) or None,
        created_at=request.created_at,
        expires_at=request.expires_at,
        decision=request.decision,
        answer=short(request.answer, most),
        message=cut(request.message, most),
        answered_by=request.responded_by,
    )


def _options(options: Sequence[str], most: int) -> list[str] | None:
    shown = list(options) if len(as_json(options)) <= most else [cut(one, 100) or "" for one in options[: most // 100]]
    left = len(options) - len(shown)
    return [*shown, f"[{left} more options]"] if left else shown or None


class Event(BaseModel):
    at: datetime
    type: str
    reason: str | None = None
    agent: str | None = None
    by: str | None = Field(None, description="The person or key that did it.")


class Run(BaseModel):
    id: UUID
    agent: str
    status: RunStatus
    outcome: str | None = None
    claimed_at: datetime


class Message(BaseModel):
    at: datetime
    text: str


def message_of(message: model.Message) -> Message:
    """A message in one text: what the agent said, or called."""
    content = message.content
    text = content["text"] if message.type in ("text", "notice") else f"[{message.type}] {content}"
    return Message(at=message.created_at, text=cut(str(text)) or "")
