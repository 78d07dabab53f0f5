"""Requests that nobody answers in time, and of which people are reminded."""

import pytest

from asking import ask, events
from casework.core.lifecycle import CaseStatus
from casework.core.requests import Action, Decision, OnExpiry, Request
from casework.errors import AlreadyAnswered
from casework.service import cases, requests
from casework.service.sweep import sweep
from factories import SETTINGS, TEAM, claim, the_case, the_run

HOUR = 3600


def end_of(db, case_id):
    return cases.get(db, TEAM, case_id)[1][-1]


@pytest.mark.parametrize(
    ("on_expiry", "options", "status", "decision"),
    [
        ("fail", {}, "failed", "expired"),
        ("postpone", {"postpone_for": "1d"}, "postponed", "expired"),
        ("default", {"default": "blue"}, "pending", "respond"),
        ("continue", {}, "pending", "expired"),
    ],
)
def test_what_happens_when_nobody_answers_in_time(db, clock, on_expiry, options, status, decision):
    case_id, (id,) = ask(db, Request(title="Colour?", expires="1h", on_expiry=on_expiry, **options))
    clock.forward(HOUR - 1)
    assert not sweep(db, SETTINGS).effects.nudge
    assert the_case(db, case_id).status is CaseStatus.NEEDS_INPUT
    clock.forward(1)
    assert sweep(db, SETTINGS).effects.nudge
    assert the_case(db, case_id).status == status
    request = requests.get(db, TEAM, id)
    assert (request.decision, request.responded_by) == (decision, None)
    assert [event.human_request_id for event in events(db, case_id, "input_expired")] == [id]
    assert not sweep(db, SETTINGS).effects.nudge


def test_a_case_that_fails_says_which_question_had_no_answer(db, clock):
    case_id, _ = ask(db, Request(title="Colour?", expires="1h"))
    clock.forward(HOUR)
    sweep(db, SETTINGS)
    end = end_of(db, case_id)
    assert (end.type, end.reason) == ("failed", "nobody answered in time: Colour?")


def test_a_postponed_case_comes_back_with_a_new_run(db, clock):
    case_id, _ = ask(db, Request(title="Colour?", expires="1h", on_expiry="postpone", postpone_for="1d"))
    clock.forward(HOUR)
    sweep(db, SETTINGS)
    assert claim(db) == []
    clock.forward(24 * HOUR)
    (message,) = claim(db)
    assert message.attempt == 1
    assert the_run(db, message).case_id == case_id


def test_an_approval_by_default_has_the_actions_arguments(db, clock):
    action = Action(name="refund", arguments={"euros": 5})
    asked = Request(kind="approval", title="Refund?", action=action, expires="1h", on_expiry="default", default=True)
    _, (id,) = ask(db, asked)
    clock.forward(HOUR)
    sweep(db, SETTINGS)
    answer = requests.get(db, TEAM, id).answered().answer
    assert (answer.decision, answer.arguments, answer.by) == (Decision.APPROVE, {"euros": 5}, None)
    assert answer.message == "nobody answered in time"


def test_an_answer_after_the_deadline_is_refused_even_before_a_sweep(db, clock):
    case_id, (id,) = ask(db, Request(title="Colour?", expires="1h"))
    clock.forward(HOUR)
    with pytest.raises(AlreadyAnswered, match="time for an answer"):
        requests.answer(db, TEAM, id, "blue")
    sweep(db, SETTINGS)
    with pytest.raises(AlreadyAnswered, match="expired without an answer"):
        requests.answer(db, TEAM, id, "blue")
    assert the_case(db, case_id).status is CaseStatus.FAILED


@pytest.mark.parametrize(("on_expiry", "status"), [(OnExpiry.FAIL, "failed"), (OnExpiry.CONTINUE, "needs_input")])
def test_one_of_a_group_expires(db, clock, on_expiry, status):
    asked = [Request(title="a", expires="1h", on_expiry=on_expiry), Request(title="b"), Request(title="c")]
    case_id, (first, second, third) = ask(db, *asked)
    requests.answer(db, TEAM, second, "yes")
    clock.forward(HOUR)
    sweep(db, SETTINGS)
    assert the_case(db, case_id).status == status
    found = {one.id: one.status for one in requests.find(db, TEAM, open_only=False)}
    assert found[second] == "answered"
    if on_expiry is OnExpiry.FAIL:
        assert found == {first: "cancelled", second: "answered", third: "cancelled"}
    else:
        assert requests.answer(db, TEAM, third, "yes").effects.nudge


def test_people_are_reminded_once(db, clock):
    case_id, (id,) = ask(db, Request(title="Colour?", remind="30m", expires="1h"))
    clock.forward(HOUR / 2 - 1)
    sweep(db, SETTINGS)
    assert events(db, case_id, "input_reminded") == []
    clock.forward(1)
    for _ in range(2):
        sweep(db, SETTINGS)
    (event,) = events(db, case_id, "input_reminded")
    assert (event.human_request_id, event.reason) == (id, "Colour?")
    assert requests.get(db, TEAM, id).reminded_at == clock.now
    assert requests.answer(db, TEAM, id, "blue").value.status == "answered"


def test_a_request_whose_reminder_is_due_when_it_has_expired_just_expires(db, clock):
    case_id, _ = ask(db, Request(title="Colour?", remind="30m", expires="1h"))
    clock.forward(HOUR)
    sweep(db, SETTINGS)
    assert events(db, case_id, "input_reminded") == []
    assert the_case(db, case_id).status is CaseStatus.FAILED


def test_more_than_one_sweep_brings_on_are_left_for_the_next(db, clock, monkeypatch):
    monkeypatch.setattr("casework.service.sweep.MOST_DUE", 2)
    asked = [Request(title=str(n), expires="1h", on_expiry="continue") for n in range(3)]
    case_id, _ = ask(db, *asked)
    clock.forward(HOUR)
    sweep(db, SETTINGS)
    assert len(events(db, case_id, "input_expired")) == 2
    sweep(db, SETTINGS)
    assert the_case(db, case_id).status is CaseStatus.PENDING
