"""The records of casework: frozen data that the store returns, and the API and the command line show."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, NewType
from uuid import UUID

from casework.core.duration import parse_when
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.payload import check_data, check_text
from casework.core.usage import Usage
from casework.errors import InvalidInput

TeamId = NewType("TeamId", UUID)
QueueId = NewType("QueueId", UUID)
AgentId = NewType("AgentId", UUID)
CaseId = NewType("CaseId", UUID)
RunId = NewType("RunId", UUID)
RequestId = NewType("RequestId", UUID)
LabelId = NewType("LabelId", UUID)
LimitId = NewType("LimitId", UUID)
LineId = NewType("LineId", UUID)

DEFAULT_TEAM = TeamId(UUID("00000000-0000-7000-8000-000000000001"))

MAX_TITLE = 500
MAX_LABELS = 50
MAX_LABEL = 200


class Priority(StrEnum):
    """How urgent a case is. Stored as its rank, so that it sorts."""

    NONE = "none"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for none, 1 for medium, 2 for high."""
        return _PRIORITIES.index(self)

    @classmethod
    def of_rank(cls, rank: int) -> "Priority":
        return _PRIORITIES[rank]


_PRIORITIES = tuple(Priority)


class QueueMode(StrEnum):
    """active claims and resumes; draining only resumes, so that live runs can end; paused does neither."""

    ACTIVE = "active"
    DRAINING = "draining"
    PAUSED = "paused"


class AgentKind(StrEnum):
    """python: a function that workers call; command: a program that workers start; pull: a program elsewhere that asks
    for work over HTTP."""

    PYTHON = "python"
    COMMAND = "command"
    PULL = "pull"

    @property
    def is_dispatched(self) -> bool:
        """Whether its runs are sent to workers; otherwise the agent asks for them."""
        return self is not AgentKind.PULL


DISPATCHED_KINDS = tuple(kind for kind in AgentKind if kind.is_dispatched)


class CounterName(StrEnum):
    """What went wrong in a queue; the counts stay when cases are deleted."""

    WRITE_REFUSED = "write_refused"
    FORCED_INTERRUPT = "forced_interrupt"
    RUN_LOST = "run_lost"
    MESSAGE_RESENT = "message_resent"


class RequestKind(StrEnum):
    """What a run asks of a person."""

    QUESTION = "question"
    APPROVAL = "approval"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Queue:
    """Where cases wait."""

    id: QueueId
    team_id: TeamId
    name: str
    description: str | None
    mode: QueueMode
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class QueueStats:
    """What a queue holds now."""

    cases: dict[str, int]
    live_runs: dict[str, int]
    oldest_pending_at: datetime | None
    oldest_pending_seconds: float | None
    ended_last_hour: int
    counters: dict[str, int]


@dataclass(frozen=True, slots=True)
class Agent:
    """Something that can work on a case."""

    id: AgentId
    team_id: TeamId
    name: str
    kind: AgentKind
    target: str | None
    max_attempts: int | None
    timeout_seconds: float | None
    """How long one attempt may take; None for the limit of the installation."""
    group: str
    """The group of workers that its runs need; "" for workers without a group."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Consumer:
    """An agent connected to a queue."""

    queue_id: QueueId
    agent_id: AgentId
    agent_name: str
    trigger: bool
    concurrency: int | None
    used_slots: int = 0
    """Its runs that are pending or running; one that waits is live, and holds no slot."""
    weight: float = 1.0
    """Its share of the workers, beside the weights of other consumers."""


@dataclass(frozen=True, slots=True)
class LabelRef:
    """A label as a user names it."""

    value: str
    key: str = ""

    def __post_init__(self) -> None:
        check_text("label's value", self.value, least=1, most=MAX_LABEL)
        check_text("label's key", self.key, most=MAX_LABEL)

    def __str__(self) -> str:
        return f"{self.key}={self.value}" if self.key else self.value


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a queue."""

    id: LabelId
    key: str
    value: str
    color_hue: int


@dataclass(frozen=True, slots=True)
class CountedLabel:
    """A label of a queue, with the number of cases that carry it."""

    id: LabelId
    key: str
    value: str
    color_hue: int
    case_count: int


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case to create. `key` identifies it within its queue: a second one with the same key is not created. `ready_at` is
    when it is ready: a time from now such as "2h" or a timedelta, or an aware moment; until then it is postponed.

    Raises InvalidInput if its values are not valid.
    """

    title: str
    data: Any = ""
    labels: tuple[LabelRef, ...] = ()
    priority: Priority = Priority.NONE
    key: str | None = None
    # Not part of what a run remembers of the cases that it added: an attempt that computes the moment again adds nothing.
    ready_at: str | timedelta | datetime | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_text("title", self.title, least=1, most=MAX_TITLE)
        check_data("data", self.data)
        if len(self.labels) > MAX_LABELS:
            raise InvalidInput(f"The case has {len(self.labels)} labels; {MAX_LABELS} is the most.")
        if self.key is not None:
            check_text("key", self.key, least=1, most=MAX_TITLE)
        if self.ready_at is not None:
            parse_when(self.ready_at)

    @property
    def moment(self) -> timedelta | datetime | None:
        """When it is ready: the span from now, or the moment in UTC; None for at once."""
        return None if self.ready_at is None else parse_when(self.ready_at)


@dataclass(frozen=True, slots=True)
class Case:
    """A work item."""

    id: CaseId
    queue_id: QueueId
    title: str
    data: Any
    status: CaseStatus
    priority: Priority
    assigned_agent_id: AgentId | None
    claimed_at: datetime | None
    claimed_by_run_id: RunId | None
    completed_at: datetime | None
    postponed_to: datetime | None
    pending_human_request_id: RequestId | None
    agent_run_status: RunStatus | None
    labels: tuple[Label, ...]
    created_at: datetime
    updated_at: datetime
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One line of a case's history."""

    id: int
    case_id: CaseId
    type: str
    reason: str | None
    created_at: datetime
    run_id: RunId | None
    agent_id: AgentId | None
    agent_name: str | None
    human_request_id: RequestId | None
    changes: list[dict[str, Any]] | None = None
    """What the line changed, if it says so: each `field`, with its `old` value, if known, and its `new` one."""
    by_key: str | None = None
    """The name of the API's key with which a person did it."""
    by_person: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One agent's work on one case, as it is stored."""

    id: RunId
    case_id: CaseId | None
    queue_id: QueueId
    agent_id: AgentId
    agent_name: str
    status: RunStatus
    attempt: int
    failures: int
    outcome: str | None
    reason: str | None
    error: str | None
    worker: str | None
    created_at: datetime
    started_at: datetime | None
    alive_at: datetime | None
    stop_requested_at: datetime | None
    completed_at: datetime | None
    refused_writes: int
    asked_wait_seconds: float
    """Seconds that it has waited because services asked its agent to."""
    usage: Usage = field(default_factory=Usage)
    """What its models have used, as far as the agent told."""


@dataclass(frozen=True, slots=True)
class CaseRun:
    """A run in the history of a case."""

    id: RunId
    case_id: CaseId
    agent_id: AgentId
    agent_name: str
    status: RunStatus
    outcome: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    claimed_at: datetime
    has_pending_human_request: bool
    pending_human_request_title: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """What an agent said or called."""

    id: int
    type: Literal["text", "tool_call", "tool_result", "notice"]
    role: Literal["assistant", "user", "system"]
    created_at: datetime
    content: Any
    key: str = ""
    """Identifies it within its run: the result of a tool names that of its call."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """A filter for cases of a queue. Criteria that are given are ANDed."""

    statuses: tuple[CaseStatus, ...] = ()
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Label key to accepted values: a case needs one of the values for each key."""
    title_contains: str | None = None
    search: str | None = None
    """Words, "quoted phrases" and -not, in title and data."""
    created_from: datetime | None = None
    created_to: datetime | None = None
    """Exclusive, as is `updated_to`; `created_from` and `updated_from` are inclusive."""
    updated_from: datetime | None = None
    updated_to: datetime | None = None
