"""Requests and responses of the operations on cases and labels, as the contract names them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from casework.api.inputs import NOT_NULL, Input, at_most
from casework.api.types import STORABLE, Data, Hue, LooseId, When, needs, needs_one
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import MAX_LABEL, MAX_LABELS, MAX_TITLE, Priority


class Out(BaseModel):
    """A response, read from the records of `core.model`."""

    model_config = ConfigDict(from_attributes=True)


class LabelRef(Input):
    """A label as a user names it."""

    key: Annotated[str, Field(max_length=MAX_LABEL), STORABLE] = ""
    value: Annotated[str, Field(min_length=1, max_length=MAX_LABEL), STORABLE]


class NewCase(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Invoice INV-1042",
                    "data": {"amount": 250},
                    "labels": [{"key": "vendor", "value": "Blue Harbor"}],
                }
            ]
        }
    )

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE), STORABLE]
    data: Data = Field("", description="Free-form: text or any JSON value. It comes back as it was given.")
    labels: Annotated[list[LabelRef], at_most(MAX_LABELS)] = Field(default=[])
    priority: Priority = Priority.NONE
    key: Annotated[str, Field(min_length=1, max_length=MAX_TITLE), STORABLE] | None = Field(
        None, description="Identifies the case within its queue: a second one with this key is not created."
    )
    ready_at: When | None = Field(
        None, description='"2h", "1d", or a moment with its zone: until then the case is postponed.'
    )


class CreateCases(Input):
    """Exactly one of case and cases."""

    model_config = ConfigDict(json_schema_extra=needs_one("case", "cases"))

    case: Annotated[NewCase | None, NOT_NULL] = None
    cases: Annotated[Annotated[list[NewCase], Field(min_length=1), at_most(100)] | None, NOT_NULL] = None


class Label(Out):
    """A label of a queue."""

    id: UUID
    key: str
    value: str = Field(min_length=1)
    color_hue: int = Field(ge=0, le=360)


class CountedLabel(Label):
    """A label with the number of cases that carry it."""

    case_count: int = Field(ge=0)


class Snippet(Out):
    """Where a search matched inside data."""

    before: str
    match: str
    after: str


class Case(Out):
    """A work item."""

    id: UUID
    queue_id: UUID
    title: str
    data: Any
    status: CaseStatus
    priority: Priority
    assigned_agent_id: UUID | None
    claimed_at: datetime | None
    claimed_by_run_id: UUID | None
    completed_at: datetime | None
    postponed_to: datetime | None
    pending_human_request_id: UUID | None
    agent_run_status: RunStatus | None
    labels: list[Label]
    created_at: datetime
    updated_at: datetime
    key: str | None = Field(None, description="What it was created with, to be created once.")
    search_match_data_snippet: Snippet | SkipJsonSchema[None] = Field(
        None, description="Where a search matched inside data."
    )


class CasePage(Out):
    cases: list[Case]
    total: int
    limit: int
    offset: int
    next_cursor: str | None = Field(None, description="Give it as `cursor` for the next page; null on the last one.")


class AddedCases(Out):
    """The cases, in the order of the request. One whose key was known is the first case that had it."""

    added_cases: list[Case]
    existing_case_ids: list[UUID] = Field(
        [], description="Those of them that were not created now, because their key was known."
    )


class CaseEvent(Out):
    """One line of a case's history."""

    id: str
    case_id: UUID
    type: str
    reason: str | None
    created_at: datetime
    run_id: UUID | None
    agent_id: UUID | None
    agent_name: str | None
    human_request_id: UUID | None
    changes: list[dict[str, Any]] | None = Field(
        None,
        description="What was changed: each field, with its old value, if known, and its new one.",
    )
    by_key: str | None = Field(None, description="The name of the key with which a person did it.")
    by_person: str | None = None


class CaseWithEvents(Out):
    """A case and its history, oldest first."""

    case: Case
    events: list[CaseEvent]


class CaseRun(Out):
    """A run that claimed the case, or received it by handover."""

    id: UUID
    case_id: UUID
    agent_id: UUID
    agent_name: str
    status: RunStatus
    outcome: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    claimed_at: datetime
    has_pending_human_request: bool
    pending_human_request_title: str | None


class CaseRuns(Out):
    """Runs, newest first."""

    runs: list[CaseRun] = Field(max_length=50)


class ToolCall(Out):
    id: str
    name: str
    arguments: Any = None


class ToolResult(Out):
    tool_call_id: str
    result: Any = None
    error: Any = None


class _Message(Out):
    id: str
    role: Literal["assistant", "user", "system"]
    timestamp: datetime
    text_content: str | SkipJsonSchema[None] = None
    tool_call: ToolCall | SkipJsonSchema[None] = None
    tool_result: ToolResult | SkipJsonSchema[None] = None


class Message(_Message):
    """A message of an agent: text, a tool call or its result."""

    type: Literal["text", "tool_call", "tool_result"]


class RunMessage(_Message):
    """A message of an agent, or a notice about its run."""

    type: Literal["text", "tool_call", "tool_result", "notice"]


class Messages(Out):
    """Messages, newest last."""

    messages: list[Message]


class RunMessages(Out):
    """Messages, newest last."""

    messages: list[RunMessage]


class PatchCase(Input):
    """What changes; at least one."""

    model_config = ConfigDict(json_schema_extra=needs("title", "data", "priority"))

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE), STORABLE] | None = None
    data: Data = None
    priority: Priority | None = None


class Deleted(Out):
    """How many were deleted, and which live runs were interrupted."""

    deletedCount: int  # noqa: N815 - the contract's name
    interruptedRunIds: list[UUID]  # noqa: N815 - the contract's name


class Cleared(Deleted):
    """As for deleting, of the whole queue."""

    success: bool


class DeletedCase(Out):
    """Confirms the deletion, with the live runs that were interrupted."""

    success: bool
    interruptedRunIds: list[UUID]  # noqa: N815 - the contract's name


class Success(Out):
    success: bool


class Labels(Out):
    labels: list[Label]


class CountedLabels(Out):
    labels: list[CountedLabel]


class OneLabel(Out):
    label: Label


class OneCountedLabel(Out):
    label: CountedLabel


class AssignLabels(Input):
    """Labels to assign to the case."""

    labels: Annotated[list[LabelRef], Field(min_length=1), at_most(MAX_LABELS)]


class UnlinkLabels(Input):
    """Labels to take off the case."""

    label_ids: Annotated[list[LooseId], Field(min_length=1), at_most(1000)]


class NewLabel(LabelRef):
    color_hue: Hue | None = None


class PatchLabel(Input):
    """Changes to a label."""

    key: Annotated[str, Field(max_length=MAX_LABEL), STORABLE] | None = None
    value: Annotated[str, Field(min_length=1, max_length=MAX_LABEL), STORABLE]
    color_hue: Hue | None = None
