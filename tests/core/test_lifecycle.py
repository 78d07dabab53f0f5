import dataclasses
import itertools
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.core.lifecycle import (
    ALL,
    LIFECYCLE,
    TRANSITIONS,
    Actor,
    Binding,
    Bound,
    CaseStatus,
    Event,
    EventType,
    Lifecycle,
    RunStatus,
    State,
    Transition,
)

ENDS = {CaseStatus.COMPLETED, CaseStatus.FAILED}

# Typed once more, on purpose: this is the design's table, and the code's table is held against it.
EXPECTED = {
    (Event.CLAIM, CaseStatus.CLAIMED): {"pending", "postponed"},
    (Event.RESUME, CaseStatus.CLAIMED): {"pending"},
    (Event.ASK, CaseStatus.NEEDS_INPUT): {"claimed"},
    (Event.ANSWER, CaseStatus.PENDING): {"needs_input"},
    (Event.EXPIRE, CaseStatus.PENDING): {"needs_input"},
    (Event.EXPIRE, CaseStatus.POSTPONED): {"needs_input"},
    (Event.EXPIRE, CaseStatus.FAILED): {"needs_input"},
    (Event.POSTPONE, CaseStatus.POSTPONED): {"claimed"},
    (Event.COMPLETE, CaseStatus.COMPLETED): {"claimed"},
    (Event.FAIL, CaseStatus.FAILED): {"claimed"},
    (Event.HAND_OVER, CaseStatus.PENDING): {"claimed"},
    (Event.ATTEMPT_FAILED, CaseStatus.PENDING): {"claimed"},
    (Event.ATTEMPT_FAILED, CaseStatus.FAILED): {"claimed"},
    (Event.RELEASE, CaseStatus.PENDING): {"claimed"},
    (Event.STOP, CaseStatus.FAILED): {"claimed", "needs_input"},
    (Event.RETRY, CaseStatus.PENDING): {"claimed", "needs_input", "postponed", "completed", "failed"},
    (Event.DELEGATE, CaseStatus.PENDING): {"pending", "claimed", "needs_input", "postponed", "completed", "failed"},
    (Event.SETTLE, CaseStatus.COMPLETED): {"pending", "claimed", "needs_input", "postponed", "failed"},
    (Event.SETTLE, CaseStatus.FAILED): {"pending", "claimed", "needs_input", "postponed", "completed"},
    (Event.DELETE, None): {"pending", "claimed", "needs_input", "postponed", "completed", "failed"},
    (Event.DEFER, CaseStatus.POSTPONED): {"pending", "postponed"},
    (Event.CREATE, CaseStatus.PENDING): set(),
    (Event.CREATE, CaseStatus.POSTPONED): set(),
}


def test_the_table_is_the_designs():
    assert {(row.event, row.target): set(row.sources) for row in TRANSITIONS} == EXPECTED


@pytest.mark.parametrize(("status", "event"), list(itertools.product(CaseStatus, Event)))
def test_every_pair_is_allowed_or_refused_with_a_reason(status, event):
    for row in TRANSITIONS:
        if row.event is event:
            assert LIFECYCLE.allows(status, event, row.target) == (status.value in EXPECTED[event, row.target])
            if not LIFECYCLE.allows(status, event, row.target) and row.sources:
                assert status.value in LIFECYCLE.refusal(status, event, row.target)


def test_a_move_that_the_table_does_not_have_is_an_error():
    with pytest.raises(KeyError):
        LIFECYCLE.transition(Event.CLAIM, CaseStatus.FAILED, by=(Actor.TICK,))


def test_an_event_with_two_targets_needs_one_to_be_named():
    with pytest.raises(KeyError):
        LIFECYCLE.transition(Event.SETTLE, by=(Actor.PERSON,))


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: f"{row.event} {row.target}")
def test_a_move_is_given_to_its_actors_and_to_no_other(row):
    for actor in Actor:
        if actor in row.actors:
            assert LIFECYCLE.transition(row.event, row.target, by=(actor,)) is row
        else:
            with pytest.raises(ValueError, match=f"{row.event} can be caused by .*, not by {actor}"):
                LIFECYCLE.transition(row.event, row.target, by=(actor,))


def test_only_ends_have_no_way_on_without_a_person():
    movable = {status for row in TRANSITIONS if set(row.actors) - {Actor.PERSON} for status in row.sources}
    assert set(CaseStatus) - movable - {CaseStatus.NEEDS_INPUT} == ENDS
    assert {state.status for state in LIFECYCLE.states if state.ended} == ENDS


@given(st.lists(st.sampled_from(TRANSITIONS), max_size=40))
def test_any_sequence_of_allowed_events_keeps_status_and_binding_in_step(rows):
    status, bound = CaseStatus.PENDING, False
    for row in rows:
        if status not in row.sources:
            continue
        if (row.event is Event.CLAIM and bound) or (row.event is Event.RESUME and not bound):
            continue
        if row.target is None:
            return
        status = row.target
        bound = {Binding.BIND: True, Binding.KEEP: bound, Binding.CLEAR: False}[row.binding]
        assert status in ALL
        assert LIFECYCLE.state(status).bound in (Bound.SOMETIMES, Bound.ALWAYS if bound else Bound.NEVER)


class Added(StrEnum):
    PARKED = "parked"


CONTRADICTIONS = {
    "nobody may cause it": {"actors": ()},
    "no state has the status parked": {"target": Added.PARKED},
    "a case there is never bound to a run, and the binding is keep": {"binding": Binding.KEEP},
    "the binding is clear, and the run becomes waiting": {"run": RunStatus.WAITING},
    "a case there is always bound to a run, and the binding is clear": {"target": CaseStatus.NEEDS_INPUT},
}


@pytest.mark.parametrize("problem", CONTRADICTIONS)
def test_a_table_that_contradicts_itself_is_refused(problem):
    row = dataclasses.replace(LIFECYCLE.rows(Event.COMPLETE)[0], **CONTRADICTIONS[problem])
    with pytest.raises(ValueError, match=problem):
        dataclasses.replace(LIFECYCLE, transitions=(*TRANSITIONS, row))


def test_a_status_that_is_given_twice_is_refused():
    with pytest.raises(ValueError, match="pending twice"):
        dataclasses.replace(LIFECYCLE, states=(*LIFECYCLE.states, State(CaseStatus.PENDING, Bound.NEVER)))


def test_the_diagram_has_every_move_but_those_out_of_an_end():
    arrows = {
        (f"    {source} --> {row.target}", str(row.event))
        for row in TRANSITIONS
        if row.target and not row.sources & ENDS
        for source in row.sources or {"[*]"}
    }
    drawn = [line.split(": ") for line in LIFECYCLE.diagram().splitlines()[1:]]
    assert {(arrow, event) for arrow, events in drawn for event in events.split(", ")} == arrows
    assert len({arrow for arrow, _ in drawn}) == len(drawn)


def test_a_new_status_is_in_the_messages_and_the_diagram():
    parked = Added.PARKED
    wider = Lifecycle(
        (*LIFECYCLE.states, State(parked, Bound.NEVER)),
        LIFECYCLE.run_states,
        (
            *TRANSITIONS,
            Transition("park", frozenset({CaseStatus.PENDING}), parked, (Actor.PERSON,), EventType.UPDATED),
        ),
    )
    assert "    pending --> parked: park" in wider.diagram().splitlines()
    assert wider.refusal(CaseStatus.FAILED, "park") == "The case is failed; park needs a case that is pending."
    assert wider.refusal(parked, Event.RETRY).startswith("The case is parked; retry needs")
