"""The life of a case, as one table.

Everything that knows about statuses is derived from TRANSITIONS: the guards in SQL, the CHECK constraints, the
messages of refused requests, the README's diagram and the test matrix.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class CaseStatus(StrEnum):
    """Where a case stands."""

    PENDING = "pending"
    CLAIMED = "claimed"
    NEEDS_INPUT = "needs_input"
    POSTPONED = "postponed"
    COMPLETED = "completed"
    FAILED = "failed"


class RunStatus(StrEnum):
    """Where a run stands. A waiting run is live but holds no slot: for an answer, a backoff or another worker."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


LIVE = frozenset({RunStatus.PENDING, RunStatus.RUNNING, RunStatus.WAITING})
HOLDS_SLOT = frozenset({RunStatus.PENDING, RunStatus.RUNNING})


class Event(StrEnum):
    """What can happen to a case."""

    CREATE = "create"
    CLAIM = "claim"
    RESUME = "resume"
    ASK = "ask"
    ANSWER = "answer"
    POSTPONE = "postpone"
    COMPLETE = "complete"
    FAIL = "fail"
    HAND_OVER = "hand_over"
    ATTEMPT_FAILED = "attempt_failed"
    RELEASE = "release"
    STOP = "stop"
    RETRY = "retry"
    DELEGATE = "delegate"
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


class Actor(StrEnum):
    """Who causes an event."""

    PERSON = "person"
    TICK = "tick"
    RUN = "run"
    SWEEP = "sweep"
    WORKER = "worker"


class Binding(StrEnum):
    """What an event does to the tie between a case and its run."""

    BIND = "bind"
    KEEP = "keep"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow. `run` is the status that the bound run goes to; INTERRUPTED there is a request while it runs."""

    event: Event
    sources: frozenset[CaseStatus]
    target: CaseStatus | None
    actors: tuple[Actor, ...]
    binding: Binding
    run: RunStatus | None
    records: EventType | None


ALL = frozenset(CaseStatus)
PENDING, CLAIMED, NEEDS_INPUT, POSTPONED, COMPLETED, FAILED = CaseStatus


def _arrow(
    event: Event,
    sources: Iterable[CaseStatus],
    target: CaseStatus | None,
    actors: tuple[Actor, ...],
    binding: Binding,
    run: RunStatus | None,
    records: EventType | None,
) -> Transition:
    return Transition(event, frozenset(sources), target, actors, binding, run, records)


TRANSITIONS: tuple[Transition, ...] = (
    _arrow(Event.CREATE, (), PENDING, (Actor.PERSON, Actor.RUN), Binding.CLEAR, None, EventType.CREATED),
    _arrow(
        Event.CLAIM, (PENDING, POSTPONED), CLAIMED, (Actor.TICK,), Binding.BIND, RunStatus.PENDING, EventType.CLAIMED
    ),
    _arrow(Event.RESUME, (PENDING,), CLAIMED, (Actor.TICK,), Binding.KEEP, RunStatus.PENDING, EventType.RESUMED),
    _arrow(Event.ASK, (CLAIMED,), NEEDS_INPUT, (Actor.RUN,), Binding.KEEP, RunStatus.WAITING, EventType.NEEDS_INPUT),
    _arrow(
        Event.ANSWER,
        (NEEDS_INPUT,),
        PENDING,
        (Actor.PERSON,),
        Binding.KEEP,
        RunStatus.WAITING,
        EventType.INPUT_RECEIVED,
    ),
    _arrow(
        Event.POSTPONE, (CLAIMED,), POSTPONED, (Actor.RUN,), Binding.CLEAR, RunStatus.COMPLETED, EventType.POSTPONED
    ),
    _arrow(
        Event.COMPLETE, (CLAIMED,), COMPLETED, (Actor.RUN,), Binding.CLEAR, RunStatus.COMPLETED, EventType.COMPLETED
    ),
    _arrow(Event.FAIL, (CLAIMED,), FAILED, (Actor.RUN,), Binding.CLEAR, RunStatus.FAILED, EventType.FAILED),
    _arrow(
        Event.HAND_OVER, (CLAIMED,), PENDING, (Actor.RUN,), Binding.CLEAR, RunStatus.COMPLETED, EventType.HANDED_OVER
    ),
    _arrow(
        Event.ATTEMPT_FAILED,
        (CLAIMED,),
        PENDING,
        (Actor.RUN, Actor.SWEEP),
        Binding.KEEP,
        RunStatus.WAITING,
        EventType.ATTEMPT_FAILED,
    ),
    _arrow(
        Event.ATTEMPT_FAILED,
        (CLAIMED,),
        FAILED,
        (Actor.RUN, Actor.SWEEP),
        Binding.CLEAR,
        RunStatus.FAILED,
        EventType.FAILED,
    ),
    _arrow(
        Event.RELEASE,
        (CLAIMED,),
        PENDING,
        (Actor.WORKER, Actor.SWEEP),
        Binding.KEEP,
        RunStatus.WAITING,
        EventType.RELEASED,
    ),
    _arrow(
        Event.STOP,
        (CLAIMED, NEEDS_INPUT),
        FAILED,
        (Actor.PERSON,),
        Binding.CLEAR,
        RunStatus.INTERRUPTED,
        EventType.STOPPED,
    ),
    _arrow(
        Event.RETRY, ALL - {PENDING}, PENDING, (Actor.PERSON,), Binding.CLEAR, RunStatus.INTERRUPTED, EventType.RETRIED
    ),
    _arrow(Event.DELEGATE, ALL, PENDING, (Actor.PERSON,), Binding.CLEAR, RunStatus.INTERRUPTED, EventType.DELEGATED),
    _arrow(
        Event.SETTLE,
        ALL - {COMPLETED},
        COMPLETED,
        (Actor.PERSON,),
        Binding.CLEAR,
        RunStatus.INTERRUPTED,
        EventType.SETTLED,
    ),
    _arrow(
        Event.SETTLE, ALL - {FAILED}, FAILED, (Actor.PERSON,), Binding.CLEAR, RunStatus.INTERRUPTED, EventType.SETTLED
    ),
    _arrow(Event.DELETE, ALL, None, (Actor.PERSON,), Binding.CLEAR, RunStatus.INTERRUPTED, None),
)

START_SOURCE = RunStatus.PENDING
"""A run starts from here only, so that a message that comes twice starts it once."""


def transition(event: Event, target: CaseStatus | None = None) -> Transition:
    """The arrow of an event; `target` chooses where an event has several.

    Raises KeyError where the table has no such arrow.
    """
    for row in TRANSITIONS:
        if row.event is event and (target is None or row.target is target):
            return row
    raise KeyError((event, target))


def allows(status: CaseStatus, event: Event, target: CaseStatus | None = None) -> bool:
    """Whether a case with that status may go through that event."""
    return any(
        status in row.sources for row in TRANSITIONS if row.event is event and (target is None or row.target is target)
    )


def refusal(status: CaseStatus, event: Event, target: CaseStatus | None = None) -> str:
    """Why a case with that status may not go through that event, in one sentence."""
    sources = sorted(transition(event, target).sources)
    return f"The case is {status}; {event} needs a case that is {' or '.join(sources)}."


def diagram() -> str:
    """The table as a Mermaid state diagram: what people may do from anywhere is left to the table below it."""
    lines = ["stateDiagram-v2", "    [*] --> pending: create"]
    for row in TRANSITIONS:
        if row.sources and len(row.sources) < 4 and row.target:
            lines += [f"    {source} --> {row.target}: {row.event}" for source in sorted(row.sources)]
    return "\n".join(lines)
