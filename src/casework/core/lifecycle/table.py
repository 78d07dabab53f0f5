"""The table itself.

To add a status, add a member to CaseStatus, a row to STATES, and rows to TRANSITIONS that lead to it and from it.
Statements for overrides by people are generated; a move by a run or by a tick needs a statement in `store.transitions`.
A migration updates the constraints and derived columns of existing databases, with the text that `store.tables`
generates.
"""

from collections.abc import Iterable

from casework.core.lifecycle.machine import Lifecycle, RunState, State, Transition
from casework.core.lifecycle.vocabulary import (
    Actor,
    Binding,
    Bound,
    CaseStatus,
    Detail,
    Event,
    EventType,
    Lane,
    RunStatus,
)

PENDING, CLAIMED, NEEDS_INPUT, POSTPONED, COMPLETED, FAILED = CaseStatus
WAITING, INTERRUPTED = RunStatus.WAITING, RunStatus.INTERRUPTED
PERSON, TICK, RUN, SWEEP, WORKER = Actor
BIND, KEEP = Binding.BIND, Binding.KEEP
ALL = frozenset(CaseStatus)

STATES: tuple[State, ...] = (
    State(PENDING, Bound.SOMETIMES, lanes=(Lane.HIGH, Lane.MEDIUM, Lane.NONE)),
    State(CLAIMED, Bound.ALWAYS),
    State(NEEDS_INPUT, Bound.ALWAYS, (Detail.HUMAN_REQUEST_ID,)),
    State(POSTPONED, Bound.NEVER, (Detail.POSTPONED_TO,), lanes=(Lane.POSTPONED,)),
    State(COMPLETED, Bound.NEVER, (Detail.COMPLETED_AT,)),
    State(FAILED, Bound.NEVER, (Detail.COMPLETED_AT,)),
)

RUN_STATES: tuple[RunState, ...] = (
    RunState(RunStatus.PENDING, live=True, holds_slot=True),
    RunState(RunStatus.RUNNING, live=True, holds_slot=True),
    RunState(RunStatus.WAITING, live=True),
    RunState(RunStatus.COMPLETED),
    RunState(RunStatus.FAILED),
    RunState(RunStatus.INTERRUPTED),
)

LIVE = frozenset(state.status for state in RUN_STATES if state.live)
HOLDS_SLOT = frozenset(state.status for state in RUN_STATES if state.holds_slot)


def _move(
    event: Event,
    sources: Iterable[CaseStatus],
    target: CaseStatus | None,
    actors: tuple[Actor, ...],
    records: EventType | None,
    *,
    binding: Binding = Binding.CLEAR,
    run: RunStatus | None = None,
    assigns: bool = False,
    hands_over: bool = False,
) -> Transition:
    return Transition(event, frozenset(sources), target, actors, records, binding, run, assigns, hands_over)


TRANSITIONS: tuple[Transition, ...] = (
    _move(Event.CREATE, (), PENDING, (PERSON, RUN), EventType.CREATED),
    _move(Event.CREATE, (), POSTPONED, (PERSON, RUN), EventType.CREATED),
    _move(Event.CLAIM, (PENDING, POSTPONED), CLAIMED, (TICK,), EventType.CLAIMED, binding=BIND, run=RunStatus.PENDING),
    _move(Event.RESUME, (PENDING,), CLAIMED, (TICK,), EventType.RESUMED, binding=KEEP, run=RunStatus.PENDING),
    _move(Event.ASK, (CLAIMED,), NEEDS_INPUT, (RUN,), EventType.NEEDS_INPUT, binding=KEEP, run=WAITING),
    _move(Event.ANSWER, (NEEDS_INPUT,), PENDING, (PERSON,), EventType.INPUT_RECEIVED, binding=KEEP, run=WAITING),
    _move(Event.EXPIRE, (NEEDS_INPUT,), PENDING, (SWEEP,), EventType.INPUT_EXPIRED, binding=KEEP, run=WAITING),
    _move(Event.EXPIRE, (NEEDS_INPUT,), POSTPONED, (SWEEP,), EventType.POSTPONED, run=RunStatus.COMPLETED),
    _move(Event.EXPIRE, (NEEDS_INPUT,), FAILED, (SWEEP,), EventType.FAILED, run=RunStatus.FAILED),
    _move(Event.POSTPONE, (CLAIMED,), POSTPONED, (RUN,), EventType.POSTPONED, run=RunStatus.COMPLETED),
    _move(Event.COMPLETE, (CLAIMED,), COMPLETED, (RUN,), EventType.COMPLETED, run=RunStatus.COMPLETED),
    _move(Event.FAIL, (CLAIMED,), FAILED, (RUN,), EventType.FAILED, run=RunStatus.FAILED),
    _move(
        Event.HAND_OVER,
        (CLAIMED,),
        PENDING,
        (RUN,),
        EventType.HANDED_OVER,
        run=RunStatus.COMPLETED,
        assigns=True,
        hands_over=True,
    ),
    _move(Event.ATTEMPT_FAILED, (CLAIMED,), PENDING, (RUN, SWEEP), EventType.ATTEMPT_FAILED, binding=KEEP, run=WAITING),
    _move(Event.ATTEMPT_FAILED, (CLAIMED,), FAILED, (RUN, SWEEP), EventType.FAILED, run=RunStatus.FAILED),
    _move(Event.RELEASE, (CLAIMED,), PENDING, (WORKER, SWEEP), EventType.RELEASED, binding=KEEP, run=WAITING),
    _move(Event.STOP, (CLAIMED, NEEDS_INPUT), FAILED, (PERSON, SWEEP), EventType.STOPPED, run=INTERRUPTED),
    _move(Event.RETRY, ALL - {PENDING}, PENDING, (PERSON,), EventType.RETRIED, run=INTERRUPTED, assigns=True),
    _move(Event.DELEGATE, ALL, PENDING, (PERSON,), EventType.DELEGATED, run=INTERRUPTED, assigns=True),
    _move(Event.DEFER, (PENDING, POSTPONED), POSTPONED, (PERSON,), EventType.POSTPONED, run=INTERRUPTED),
    _move(Event.SETTLE, ALL - {COMPLETED}, COMPLETED, (PERSON,), EventType.SETTLED, run=INTERRUPTED),
    _move(Event.SETTLE, ALL - {FAILED}, FAILED, (PERSON,), EventType.SETTLED, run=INTERRUPTED),
    _move(Event.DELETE, ALL, None, (PERSON,), None, run=INTERRUPTED),
)

START_SOURCE = RunStatus.PENDING
"""The only status from which a run starts, so that a duplicate message does not start it again."""

LIFECYCLE = Lifecycle(STATES, RUN_STATES, TRANSITIONS)
