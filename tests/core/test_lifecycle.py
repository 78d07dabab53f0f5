import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.core.lifecycle import (
    ALL,
    TRANSITIONS,
    Actor,
    Binding,
    CaseStatus,
    Event,
    RunStatus,
    allows,
    diagram,
    refusal,
    transition,
)

ENDS = {CaseStatus.COMPLETED, CaseStatus.FAILED}

# Typed once more, on purpose: this is the design's table, and the code's table is held against it.
EXPECTED = {
    (Event.CLAIM, CaseStatus.CLAIMED): {"pending", "postponed"},
    (Event.RESUME, CaseStatus.CLAIMED): {"pending"},
    (Event.ASK, CaseStatus.NEEDS_INPUT): {"claimed"},
    (Event.ANSWER, CaseStatus.PENDING): {"needs_input"},
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
    (Event.CREATE, CaseStatus.PENDING): set(),
}


def test_the_table_is_the_designs():
    assert {(row.event, row.target): set(row.sources) for row in TRANSITIONS} == EXPECTED


@pytest.mark.parametrize(("status", "event"), list(itertools.product(CaseStatus, Event)))
def test_every_pair_is_allowed_or_refused_with_a_reason(status, event):
    for row in TRANSITIONS:
        if row.event is event:
            assert allows(status, event, row.target) == (status.value in EXPECTED[event, row.target])
            if not allows(status, event, row.target) and row.sources:
                assert status.value in refusal(status, event, row.target)


def test_unknown_arrows_are_refused():
    with pytest.raises(KeyError):
        transition(Event.CLAIM, CaseStatus.FAILED)


def test_only_ends_have_no_way_on_without_a_person():
    movable = {status for row in TRANSITIONS if set(row.actors) - {Actor.PERSON} for status in row.sources}
    assert set(CaseStatus) - movable - {CaseStatus.NEEDS_INPUT} == ENDS


def test_a_bound_case_is_never_left_bound_at_an_end():
    for row in TRANSITIONS:
        if row.target in ENDS or row.target is CaseStatus.POSTPONED:
            assert row.binding is Binding.CLEAR


def test_a_run_is_live_exactly_while_its_case_is_bound():
    live = {RunStatus.PENDING, RunStatus.RUNNING, RunStatus.WAITING}
    for row in TRANSITIONS:
        if row.run:
            assert (row.run in live) == (row.binding is not Binding.CLEAR), row


@given(st.lists(st.tuples(st.sampled_from(TRANSITIONS), st.booleans()), max_size=40))
def test_any_sequence_of_allowed_events_keeps_status_and_binding_in_step(rows):
    status, bound = CaseStatus.PENDING, False
    for row, _ in rows:
        if status not in row.sources:
            continue
        if (row.event is Event.CLAIM and bound) or (row.event is Event.RESUME and not bound):
            continue
        if row.target is None:
            return
        status = row.target
        bound = {Binding.BIND: True, Binding.KEEP: bound, Binding.CLEAR: False}[row.binding]
        assert status in ALL
        assert not bound or status in {CaseStatus.CLAIMED, CaseStatus.NEEDS_INPUT, CaseStatus.PENDING}
        assert bound or status not in {CaseStatus.CLAIMED, CaseStatus.NEEDS_INPUT}


def test_the_diagram_has_the_runs_arrows():
    for row in TRANSITIONS:
        if row.sources and len(row.sources) < 4 and row.target:
            assert f"--> {row.target}: {row.event}" in diagram()
