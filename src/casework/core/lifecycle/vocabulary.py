"""The words of a case's life: statuses, events, who causes them, and what the history says."""

from enum import IntEnum, StrEnum


class CaseStatus(StrEnum):
    """The status of a case."""

    PENDING = "pending"
    CLAIMED = "claimed"
    NEEDS_INPUT = "needs_input"
    POSTPONED = "postponed"
    COMPLETED = "completed"
    FAILED = "failed"


class RunStatus(StrEnum):
    """The status of a run. A waiting run is live but holds no slot: it waits for an answer, a backoff or another
    worker."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Lane(IntEnum):
    """The order of picking up. A case that cannot be picked up is in no lane; a priority of rank n is in lane 4 - n."""

    RESUMED = 0
    POSTPONED = 1
    HIGH = 2
    MEDIUM = 3
    NONE = 4


class Event(StrEnum):
    """An event in the life of a case."""

    CREATE = "create"
    CLAIM = "claim"
    RESUME = "resume"
    ASK = "ask"
    ANSWER = "answer"
    EXPIRE = "expire"
    POSTPONE = "postpone"
    COMPLETE = "complete"
    FAIL = "fail"
    HAND_OVER = "hand_over"
    ATTEMPT_FAILED = "attempt_failed"
    RELEASE = "release"
    STOP = "stop"
    RETRY = "retry"
    DELEGATE = "delegate"
    DEFER = "defer"
    SETTLE = "settle"
    DELETE = "delete"


class EventType(StrEnum):
    """The lines that a case's history can hold."""

    CREATED = "created"
    CLAIMED = "claimed"
    HANDOVER = "handover"
    RESUMED = "resumed"
    NEEDS_INPUT = "needs_input"
    INPUT_RECEIVED = "input_received"
    INPUT_APPROVED = "input_approved"
    INPUT_REMINDED = "input_reminded"
    INPUT_EXPIRED = "input_expired"
    INPUT_CANCELLED = "input_cancelled"
    POSTPONED = "postponed"
    COMPLETED = "completed"
    FAILED = "failed"
    HANDED_OVER = "handed_over"
    ATTEMPT_FAILED = "attempt_failed"
    RELEASED = "released"
    STOPPED = "stopped"
    RETRIED = "retried"
    DELEGATED = "delegated"
    SETTLED = "settled"
    UPDATED = "updated"
    LABELS_CHANGED = "labels_changed"
    INTERRUPTED = "interrupted"
    WRITE_REFUSED = "write_refused"
    RESENT = "resent"


BY_PEOPLE = frozenset(
    {
        EventType.RETRIED,
        EventType.DELEGATED,
        EventType.SETTLED,
        EventType.POSTPONED,
        EventType.UPDATED,
        EventType.LABELS_CHANGED,
        EventType.STOPPED,
        EventType.INPUT_APPROVED,
        EventType.INPUT_CANCELLED,
    }
)
"""If no agent did it, a person did."""


class Actor(StrEnum):
    """Who causes an event."""

    PERSON = "person"
    TICK = "tick"
    RUN = "run"
    SWEEP = "sweep"
    WORKER = "worker"


class Binding(StrEnum):
    """How an event changes the binding of a case to a run."""

    BIND = "bind"
    KEEP = "keep"
    CLEAR = "clear"


class Bound(StrEnum):
    """Whether a case with a status is bound to a run."""

    ALWAYS = "always"
    SOMETIMES = "sometimes"
    NEVER = "never"


class Detail(StrEnum):
    """Columns of a case that are set in some statuses and null in all others."""

    COMPLETED_AT = "completed_at"
    POSTPONED_TO = "postponed_to"
    HUMAN_REQUEST_ID = "human_request_id"
