"""Every adapter waits for people without doing anything twice, and is shown as it goes on. See `conformance.py`."""

import pytest

from casework import Complete, agent
from casework.core.lifecycle import CaseStatus
from casework.core.requests import Decision
from casework.errors import AlreadyAnswered
from casework.service import requests
from casework.testing import Answering
from factories import TEAM, claim, work
from integrations.conformance import (
    Call,
    Does,
    Guarantee,
    calls,
    pay,
    says,
)
from integrations.shown import SETTINGS, TWO, done, needs, once, shows, texts


@shows(Guarantee.WAITS)
def test_approvals_of_one_turn_are_one_wait_with_their_arguments(tried, ledger):
    result = tried(*TWO, answers=lambda request: True)
    assert (result.status, result.outcome) == (CaseStatus.COMPLETED, Complete("paid"))
    assert result.attempts == 2
    assert [(one.action.name, one.action.arguments) for one in result.requests] == [
        ("pay", {"to": "Ann", "amount": 5}),
        ("pay", {"to": "Bob", "amount": 7}),
    ]
    assert all(one.action.schema["properties"].keys() == {"to", "amount"} for one in result.requests)
    assert done(ledger) == once("model 1 answered", "look a", "pay Ann 5", "pay Bob 7", "model 2 answered")


@shows(Guarantee.WAITS)
def test_each_answer_goes_to_its_own_question(tried, ledger):
    result = tried(*TWO, answers=lambda request: request.action.arguments["to"] == "Bob")
    assert result.status == CaseStatus.COMPLETED
    assert "pay Bob 7" in done(ledger)
    assert "pay Ann 5" not in done(ledger)


@shows(Guarantee.WAITS)
def test_what_a_person_edited_is_done(framework, tried, ledger):
    needs(framework, Does.EDITS)
    edited = Answering(arguments={"to": "Ann", "amount": 3})
    result = tried(calls(pay("Ann", 5, "1")), says("paid"), answers=lambda request: edited)
    assert result.status == CaseStatus.COMPLETED
    assert done(ledger) == once("model 1 answered", "pay Ann 3", "model 2 answered")


@shows(Guarantee.WAITS)
def test_the_model_is_told_why_a_call_was_rejected(tried, ledger):
    rejected = Answering(decision=Decision.REJECT, message="Not before Friday")
    result = tried(calls(pay("Ann", 5, "1")), says("so be it"), answers=lambda request: rejected)
    assert result.status == CaseStatus.COMPLETED
    assert done(ledger) == once("model 1 answered", "model 2 answered")
    (told,) = texts(result, "tool_result")
    assert "Not before Friday" in f"{told['error']} {told['result']}"


@shows(Guarantee.WAITS)
def test_a_person_may_answer_in_place_of_the_tool(framework, tried, ledger):
    needs(framework, Does.RESPONDS)
    given = Answering(decision=Decision.RESPOND, value="She was paid yesterday")
    result = tried(calls(pay("Ann", 5, "1")), says("so be it"), answers=lambda request: given)
    assert done(ledger) == once("model 1 answered", "model 2 answered")
    assert [one["result"] for one in texts(result, "tool_result")] == ["She was paid yesterday"]


@shows(Guarantee.WAITS)
def test_questions_of_one_turn_get_their_own_answers(framework, tried):
    needs(framework, Does.ASKS)
    asked = [Call("question", {"text": text}, text) for text in ("Which colour?", "Which size?")]
    result = tried(calls(*asked), says("done"), answers={"Which colour?": "red", "Which size?": "large"})
    assert result.attempts == 2
    questions = {one.key: one.content["arguments"]["text"] for one in result.messages if one.type == "tool_call"}
    # Tools that run side by side end in any order.
    answers = {questions[one["tool_call_id"]]: one["result"] for one in texts(result, "tool_result")}
    assert answers == {"Which colour?": "red", "Which size?": "large"}


@shows(Guarantee.WAITS)
def test_the_same_call_in_a_later_turn_is_asked_again(tried, ledger):
    script = (calls(pay("Ann", 5, "1")), calls(pay("Ann", 5, "2")), says("done"))
    verdicts = iter([True, False])
    result = tried(*script, answers=lambda request: next(verdicts))
    assert len(result.requests) == 2
    assert done(ledger)["pay Ann 5"] == 1


@shows(Guarantee.WAITS)
def test_a_call_that_nobody_approved_in_time_is_not_made(tried, ledger):
    script = (calls(pay("Ann", 5, "1")), says("so be it"))
    result = tried(*script, name="expiring", answers=lambda request: Decision.EXPIRED)
    assert result.status == CaseStatus.COMPLETED
    assert done(ledger) == once("model 1 answered", "model 2 answered")


@shows(Guarantee.WAITS)
def test_a_group_may_be_answered_in_any_order(db, real, ledger):
    message = real(*TWO)
    assert work(db, message, SETTINGS) == "needs_input"
    first, second = requests.find(db, TEAM)
    requests.decide(db, TEAM, second.id, True)
    assert claim(db) == []
    requests.decide(db, TEAM, first.id, False)
    (again,) = claim(db)
    assert work(db, again, SETTINGS) == "completed"
    assert done(ledger) == once("model 1 answered", "look a", "pay Bob 7", "model 2 answered")


@shows(Guarantee.WAITS)
def test_a_second_answer_is_refused_and_does_nothing(db, real, ledger):
    message = real(calls(pay("Ann", 5, "1")), says("paid"))
    work(db, message, SETTINGS)
    (request,) = requests.find(db, TEAM)
    requests.decide(db, TEAM, request.id, True)
    with pytest.raises(AlreadyAnswered):
        requests.decide(db, TEAM, request.id, True)
    (again,) = claim(db)
    work(db, again, SETTINGS)
    assert claim(db) == []
    assert done(ledger)["pay Ann 5"] == 1


@shows(Guarantee.WAITS)
def test_after_a_change_of_code_an_approval_goes_to_no_other_call(framework, tried, ledger):
    @agent
    async def deployed_meanwhile(run):
        return await framework.agent("conforming" if run.attempt == 1 else "changed")(run)

    new = Call("pay", {"iban": "DE1", "amount": 5}, "2")
    result = tried(
        calls(pay("Ann", 5, "1")), calls(new), says("paid"), name=deployed_meanwhile, answers=lambda request: True
    )
    assert "pay Ann 5" not in done(ledger)
    assert result.requests[-1].action.arguments.get("iban") == "DE1"
    assert done(ledger)["pay DE1 5"] == 1
