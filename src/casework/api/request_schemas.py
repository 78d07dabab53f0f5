"""Requests to people, as the API takes and returns them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from casework.api.inputs import NOT_NULL, Input, at_most
from casework.api.schemas import Out
from casework.api.types import STORABLE, WHOLE, Data
from casework.core.duration import MAX_TEXT
from casework.core.model import RequestKind
from casework.core.requests import MAX_KEY, Decision, OnExpiry, Placed, request_of

Words = Annotated[str, Field(max_length=10_000), STORABLE]
Span = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), STORABLE]
Json = Annotated[Annotated[dict[str, Any], Data], at_most(10_000)]
Assignee = Annotated[str, Field(min_length=1, max_length=200), STORABLE]


class Action(Out):
    """What is to be approved."""

    name: str
    arguments: dict[str, Any]
    schema_: dict[str, Any] | None = Field(alias="schema")


class NewAction(Input):
    """What is to be approved. `schema` is the JSON Schema (2020-12) of the arguments."""

    name: Annotated[str, Field(min_length=1, max_length=500), STORABLE]
    arguments: Json = Field(default={})
    schema_: Json | None = Field(None, alias="schema")


class NewRequest(Input):
    """What people are asked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "approval",
                    "title": "Refund 120 euros?",
                    "action": {"name": "refund", "arguments": {"order": "A-1042", "euros": 120}},
                    "decisions": ["approve", "edit", "reject"],
                }
            ]
        }
    )

    type: RequestKind = RequestKind.QUESTION
    title: Annotated[str, Field(min_length=1, max_length=2000), STORABLE]
    description: Words | None = Field(None, description="Markdown.")
    options: Annotated[list[Words], at_most(50)] = Field(default=[], description="The only answers to a question.")
    action: NewAction | None = None
    schema_: Json | None = Field(None, alias="schema", description="The JSON Schema (2020-12) of the answer.")
    decisions: Annotated[list[Decision], at_most(len(Decision))] = Field(default=[])
    assignees: Annotated[list[Assignee], at_most(50)] = Field(
        default=[], description="Names of the keys or people who may answer; nobody else may."
    )
    approvals: Annotated[int, Field(strict=True, ge=1, le=50), WHOLE] = Field(
        1, description="How many must approve. One who rejects decides alone."
    )
    expires: Span | None = Field(None, description='How long an answer is waited for, as "2h".')
    on_expiry: OnExpiry = OnExpiry.FAIL
    default: Annotated[Data, NOT_NULL] = Field(None, description="The answer if it expires with `on_expiry` default.")
    postpone_for: Span | None = None
    remind: Span | None = Field(None, description="When people are reminded, once.")
    key: Annotated[str, Field(min_length=1, max_length=MAX_KEY), STORABLE] | None = Field(
        None, description="Identifies the request within its run; without one, its place and its content do."
    )
    position: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1), WHOLE] | None = Field(
        None, description="Its place among the run's requests without keys. The next one if it is left out."
    )

    def placed(self) -> Placed:
        """The request and its place. Raises InvalidInput."""
        given = self.model_dump(exclude_unset=True, by_alias=True, exclude={"position"})
        return Placed(request_of(given), None if self.key else self.position)


class Answer(Out):
    """A person's answer to an earlier attempt of the run."""

    type: RequestKind
    title: str
    response: Any
    question: str = Field(description="A second name of title.")
    answer: Any = Field(description="A second name of response.")
    description: str | None
    options: list[str]
    action: Action | None
    schema_: dict[str, Any] | None = Field(alias="schema")
    decisions: list[Decision]
    key: str | None
    position: int | None = Field(description="Its place among the run's requests without keys, counted from 0.")
    decision: Decision
    arguments: dict[str, Any] | None = Field(description="What is to be done with the action, if it was approved.")
    message: str | None
    by: str | None
    at: datetime | None


class HumanRequest(Out):
    """What a run asked, and what people answered."""

    id: UUID
    case_id: UUID
    case_title: str
    run_id: UUID
    type: RequestKind
    status: Literal["pending", "answered", "cancelled"]
    title: str
    description: str | None
    options: list[str]
    response: Any = Field(description="The answer to a question or form; whether an approval was given.")
    created_at: datetime
    responded_at: datetime | None
    responded_by: str | None
    action: Action | None
    schema_: dict[str, Any] | None = Field(alias="schema")
    decisions: list[Decision]
    assignees: list[str]
    approvals: int = Field(description="How many must approve.")
    approved_by: list[str] = Field(description="Those who have approved so far, if several must.")
    group_id: UUID | None = Field(description="The first request of its wait, if there are several in it.")
    key: str | None
    expires_at: datetime | None
    on_expiry: OnExpiry | None
    reminded_at: datetime | None
    decision: Decision | None
    arguments: dict[str, Any] | None = Field(description="What is to be done with the action, if it was approved.")
    message: str | None
    by_key: str | None
    by_person: str | None
