"""What the API takes and returns. Results are plain dictionaries, as the API sent them: ids and moments are text, and a
field that a later version adds is there as well.
"""

from typing import Any, Literal, NotRequired, TypedDict

CaseStatus = Literal["pending", "claimed", "needs_input", "postponed", "completed", "failed"]
Priority = Literal["none", "medium", "high"]
SortBy = Literal["created_at", "updated_at", "postponed_to", "priority", "title"]
SortOrder = Literal["asc", "desc"]


class LabelRef(TypedDict):
    """A label as a user names it: without a key, it is a tag."""

    value: str
    key: NotRequired[str]


class NewCase(TypedDict):
    """A case to create. `key` identifies it within its queue; until `ready_at`, "2h" or a moment with its zone, it is
    postponed."""

    title: str
    data: NotRequired[Any]
    labels: NotRequired[list[LabelRef]]
    priority: NotRequired[Priority]
    key: NotRequired[str]
    ready_at: NotRequired[str]


class Label(TypedDict):
    """A label of a queue."""

    id: str
    key: str
    value: str
    color_hue: int


class Snippet(TypedDict):
    """Where a search matched inside data."""

    before: str
    match: str
    after: str


class Case(TypedDict):
    """A work item."""

    id: str
    queue_id: str
    title: str
    data: Any
    status: CaseStatus
    priority: Priority
    assigned_agent_id: str | None
    claimed_at: str | None
    claimed_by_run_id: str | None
    completed_at: str | None
    postponed_to: str | None
    pending_human_request_id: str | None
    agent_run_status: str | None
    labels: list[Label]
    created_at: str
    updated_at: str
    key: NotRequired[str | None]
    search_match_data_snippet: NotRequired[Snippet]


class CaseEvent(TypedDict):
    """One line of a case's history."""

    id: str
    case_id: str
    type: str
    reason: str | None
    created_at: str
    run_id: str | None
    agent_id: str | None
    agent_name: str | None
    human_request_id: str | None
    changes: NotRequired[list[dict[str, Any]] | None]
    by_key: NotRequired[str | None]
    by_person: NotRequired[str | None]


class CaseWithEvents(TypedDict):
    """A case and its history, oldest first."""

    case: Case
    events: list[CaseEvent]


class AddedCases(TypedDict):
    """The cases, in the order of the request. Those in `existing_case_ids` had a known key and were not created now."""

    added_cases: list[Case]
    existing_case_ids: list[str]


class Explanation(TypedDict):
    """Why a case is not being worked on."""

    code: str
    message: str
    until: str | None


class Filters(TypedDict, total=False):
    """Which cases to find; different filters are ANDed. `labels` has the accepted values of each key; '' is the key of
    tags. Moments are text with a zone."""

    status: list[CaseStatus]
    created_at_from: str
    created_at_to: str
    updated_at_from: str
    updated_at_to: str
    labels: dict[str, list[str]]


RequestType = Literal["question", "approval", "form"]
Decision = Literal["approve", "edit", "reject", "respond", "expired"]
OnExpiry = Literal["fail", "postpone", "default", "continue"]


class Action(TypedDict):
    """What is to be approved. `schema` is the JSON Schema of the arguments."""

    name: str
    arguments: dict[str, Any]
    schema: dict[str, Any] | None


class HumanRequest(TypedDict):
    """What a run asked people, and what they answered."""

    id: str
    case_id: str
    case_title: str
    run_id: str
    type: RequestType
    status: Literal["pending", "answered", "cancelled"]
    title: str
    description: str | None
    options: list[str]
    response: Any
    created_at: str
    responded_at: str | None
    responded_by: str | None
    action: Action | None
    schema: dict[str, Any] | None
    decisions: list[Decision]
    assignees: list[str]
    approvals: int
    approved_by: list[str]
    group_id: str | None
    key: str | None
    expires_at: str | None
    on_expiry: OnExpiry | None
    reminded_at: str | None
    decision: Decision | None
    arguments: dict[str, Any] | None
    message: str | None
    by_key: str | None
    by_person: str | None


class Untaken(TypedDict):
    """Why no agent would take the cases now."""

    code: str
    message: str


class Retried(TypedDict):
    """How many were retried."""

    retriedCount: int
    skippedCount: int
    untaken: NotRequired[Untaken]


class Delegated(TypedDict):
    """How many were delegated."""

    delegatedCount: int
    skippedCount: int


class Postponed(TypedDict):
    """How many were set aside, and which live runs were interrupted."""

    postponedCount: int
    skippedCount: int
    interruptedRunIds: list[str]


class Updated(TypedDict):
    """How many were settled, and which live runs were interrupted."""

    updatedCount: int
    skippedCount: int
    interruptedRunIds: list[str]


class Deleted(TypedDict):
    """How many were deleted, and which live runs were interrupted."""

    deletedCount: int
    interruptedRunIds: list[str]


class WorkLabel(TypedDict):
    """A label of a case that is being worked on."""

    key: str
    value: str


class WorkCase(TypedDict):
    """A case to work on."""

    id: str
    queue_id: str
    title: str
    data: Any
    priority: Priority
    labels: list[WorkLabel]
    created_at: str


class GivenAnswer(TypedDict):
    """A person's answer to an earlier attempt of the run."""

    type: RequestType
    title: str
    response: Any
    question: str
    """A second name of title."""
    answer: Any
    """A second name of response."""
    description: NotRequired[str | None]
    options: NotRequired[list[str]]
    action: NotRequired[Action | None]
    schema: NotRequired[dict[str, Any] | None]
    decisions: NotRequired[list[Decision]]
    key: NotRequired[str | None]
    position: NotRequired[int | None]
    decision: NotRequired[Decision]
    arguments: NotRequired[dict[str, Any] | None]
    message: NotRequired[str | None]
    by: NotRequired[str | None]
    at: NotRequired[str | None]


class Work(TypedDict):
    """A claimed run, with the answers and steps of its earlier attempts."""

    run_id: str
    attempt: int
    lease_seconds: float
    case: WorkCase
    answers: list[GivenAnswer]
    steps: dict[str, Any]


class Rate(TypedDict):
    """How many runs may start in how many seconds, evenly; `burst` of them may follow each other at once after a pause."""

    count: int
    seconds: float
    burst: NotRequired[int]


class Limit(TypedDict):
    """How many runs at once, and how many starts in a time, over a queue, an agent, or each value of a key."""

    id: str
    queue_id: str | None
    queue_name: str | None
    agent_id: str | None
    agent_name: str | None
    key: str | None
    concurrency: int | None
    rate: Rate | None
    live_runs: int
