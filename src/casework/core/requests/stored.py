"""Requests as they are stored, and as an attempt of their run that comes later finds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casework.core.model import CaseId, RequestId, RequestKind, RunId
from casework.core.requests.answers import Answer
from casework.core.requests.content import Action, Asks, Decision, OnExpiry, content_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A request of a run with its answer, as an attempt that comes later finds it."""

    kind: RequestKind
    title: str
    answer: Answer
    description: str | None = None
    options: Sequence[str] = ()
    action: Action | None = None
    schema: Mapping[str, Any] | None = None
    decisions: Sequence[Decision] = ()
    key: str | None = None
    position: int | None = None
    """Its place among the run's requests without keys, counted from 0; None if it has a key."""

    @classmethod
    def of(cls, asks: Asks, answer: Answer, *, key: str | None, position: int | None) -> "Answered":
        """The answer with what was asked."""
        return cls(
            kind=asks.kind,
            title=asks.title,
            answer=answer,
            description=asks.description,
            options=asks.options,
            action=asks.action,
            schema=asks.schema,
            decisions=asks.decisions,
            key=key,
            position=position,
        )

    @property
    def content(self) -> str:
        """What was asked, as text that is equal for equal content."""
        return content_of(self)


@dataclass(frozen=True, slots=True)
class HumanRequest:
    """A request as it is stored."""

    id: RequestId
    case_id: CaseId
    run_id: RunId
    kind: RequestKind
    title: str
    description: str | None
    options: tuple[str, ...]
    answer: Any
    """The answer to a question or form; whether an approval was given."""
    created_at: datetime
    responded_at: datetime | None
    cancelled_at: datetime | None
    case_title: str = ""
    """Of its case, in lists."""
    responded_by: str | None = None
    """Who answered, for people: a person, or the name of a key of the API."""
    action: Action | None = None
    schema: Mapping[str, Any] | None = None
    decisions: tuple[Decision, ...] = ()
    assignees: tuple[str, ...] = ()
    approvals_needed: int = 1
    approved_by: tuple[str, ...] = ()
    """Those who have approved so far, if several must."""
    group_id: RequestId | None = None
    """The first request of its group: the run goes on when all of the group are answered."""
    position: int | None = None
    key: str | None = None
    expires_at: datetime | None = None
    on_expiry: OnExpiry | None = None
    default: Any = None
    postpone_seconds: float | None = None
    remind_at: datetime | None = None
    """When people are to be reminded; None once they were."""
    reminded_at: datetime | None = None
    decision: Decision | None = None
    arguments: Mapping[str, Any] | None = None
    """What is to be done with the action, once it was approved."""
    message: str | None = None
    by_key: str | None = None
    by_person: str | None = None

    @property
    def status(self) -> str:
        """pending, answered or cancelled."""
        return "answered" if self.responded_at else "cancelled" if self.cancelled_at else "pending"

    @property
    def waits_as(self) -> RequestId:
        """The request that its case names while it waits: the first of its group."""
        return self.group_id or self.id

    def has_expired(self, now: datetime) -> bool:
        """Whether the time for an answer is over."""
        return self.expires_at is not None and self.expires_at <= now

    def answered(self) -> Answered:
        """The request with its answer, for its run. Only for one that has an answer."""
        assert self.decision is not None
        given = Answer(self.decision, self.answer, self.arguments, self.message, self.responded_by, self.responded_at)
        return Answered.of(self, given, key=self.key, position=self.position)
