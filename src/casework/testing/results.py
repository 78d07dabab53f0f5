"""What comes out of an agent that was run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from casework.agents import HeldCase, Outcome
from casework.core import requests as casework_requests
from casework.core.lifecycle import CaseStatus
from casework.core.model import Message, RequestKind
from casework.core.requests import Action, Answer, Decision
from casework.core.usage import Usage
from casework.testing.case import AddedCase


@dataclass(frozen=True, slots=True)
class Request:
    """What the agent asked a person."""

    kind: RequestKind
    title: str
    description: str | None
    options: tuple[str, ...]
    answer: Any = None
    """The value that was answered: for an approval, whether it was given. None if nobody has answered."""
    action: Action | None = None
    schema: Mapping[str, Any] | None = None
    decisions: Sequence[Decision] = ()
    assignees: Sequence[str] = ()
    key: str | None = None
    decision: Decision | None = None
    """None if nobody has answered."""
    arguments: Mapping[str, Any] | None = None
    """What is to be done with the action, if it was approved."""
    message: str | None = None

    @classmethod
    def of(cls, asked: casework_requests.Request, given: Answer | None) -> "Request":
        """The request of a run that waits for people, with the answer to it."""
        names = ("kind", "title", "description", "options", "action", "schema", "decisions", "assignees", "key")
        shared = {name: getattr(asked, name) for name in names}
        if given is None:
            return cls(**shared)
        return cls(
            **shared,
            answer=given.value,
            decision=given.decision,
            arguments=given.arguments,
            message=given.message,
        )


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt that another one follows."""

    reason: str
    wait: float
    """Seconds until the next attempt, without the random part that a worker takes off."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of the case."""

    status: CaseStatus
    """Of the case: `needs_input` if a question has no answer, `pending` if it was handed over."""
    outcome: Outcome | None
    """What the agent returned, or `Fail` if it failed; None if it waits for an answer or was stopped."""
    reason: str | None
    """Why the case has this status."""
    error: str | None
    """The traceback of the last run's last failed attempt; None if the agent returned `Fail` after it."""
    case: HeldCase
    """The case with the changes that the agent made."""
    messages: list[Message]
    """What all runs said and called, as `casework runs messages` shows it."""
    requests: list[Request]
    """What people were asked, with the answers."""
    cases: list[AddedCase]
    """The cases that the agent added."""
    steps: Mapping[str, object]
    """What the last run remembers, by the name of the step."""
    ran: Mapping[str, int]
    """How often each step was done, in all attempts."""
    attempts: int
    """How many attempts the last run took: an answer, a failure and a release each lead to another one."""
    failed: list[FailedAttempt]
    """The attempts that failed and were followed by another."""
    usage: Usage = field(default_factory=Usage)
    """What the models of the last run have used, as far as the agent told."""
    streamed: list[str] = field(default_factory=list)
    """What the last run streamed."""
    states: Mapping[str, bytes] = field(default_factory=dict)
    """What the last run keeps in `run.state`, by name."""
    runs: int = 1
    """One more each time the case came back."""

    @property
    def said(self) -> list[str]:
        """The texts among the messages."""
        return [message.content["text"] for message in self.messages if message.type == "text"]
