"""Every adapter gives what all of them promise. See `conformance.py`."""

import threading
from collections import Counter
from datetime import timedelta
from time import monotonic

import pytest

from casework import Complete, agent
from casework.agents.results import Lost, Stopped
from casework.core.lifecycle import CaseStatus
from casework.core.requests import Decision
from casework.errors import AlreadyAnswered
from casework.service import agents, cases, requests, runs
from casework.service.execution.executor import call_agent
from casework.settings import Settings
from casework.testing import Answering, run_agent
from factories import TEAM, a_consumer, a_queue, an_attempt, claim, finish, some_cases, the_case, work
from integrations.conformance import (
    FRAMEWORKS,
    Call,
    Does,
    Guarantee,
    calls,
    case_of,
    final,
    look,
    pay,
    read,
    says,
    wait_for,
)

SETTINGS = Settings(agent_modules="integrations.*")
SOON = 5.0
"""Seconds within which a stop has an effect: the models and tools of these tests take longer, or this machine is slow."""


@pytest.fixture(params=FRAMEWORKS, ids=lambda one: one.name)
def framework(request):
    if request.param.version is None:
        pytest.skip(f"{request.param.package} is not installed")
    return request.param


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "ledger"


@pytest.fixture
def tried(framework, ledger):
    """Run one of the framework's agents on a script, in the kit."""

    def play(*script, name="conforming", **options):
        ledger.unlink(missing_ok=True)
        found = name if not isinstance(name, str) else framework.agent(name)
        return run_agent(found, data=case_of(script, ledger), max_attempts=50, **options)

    return play


@pytest.fixture
def real(framework, ledger, db):
    """A case with this script that a run of the engine holds: its message."""

    def begin(*script, name="conforming"):
        queue = a_queue(db)
        a_consumer(db, queue, agents.create(db, SETTINGS, TEAM, "worker", target=framework.target(name)))
        some_cases(db, queue, data=case_of(script, ledger))
        (message,) = claim(db, SETTINGS)
        return message

    return begin


def shows(guarantee):
    return pytest.mark.guarantee(guarantee)


def needs(framework, does):
    if does not in framework.does:
        pytest.skip(f"{framework.name} does not: {does}")


def done(ledger):
    """How often each thing was done."""
    return Counter(line for line in read(ledger) if line.endswith("answered") or not line.startswith("model"))


def once(*lines):
    return Counter(lines)


def seen(result):
    return [(one.type, one.content) for one in result.messages]


def texts(result, type):
    return [one.content for one in result.messages if one.type == type]


TWO = (calls(look("a", "1"), pay("Ann", 5, "2"), pay("Bob", 7, "3")), says("paid"))


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
    assert [one["result"] for one in texts(result, "tool_result")] == ["red", "large"]


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
    assert claim(db, SETTINGS) == []
    requests.decide(db, TEAM, first.id, False)
    (again,) = claim(db, SETTINGS)
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
    (again,) = claim(db, SETTINGS)
    work(db, again, SETTINGS)
    assert claim(db, SETTINGS) == []
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


CHAIN = (
    says("first", look("a", "1")),
    calls(pay("Ann", 5, "2")),
    calls(look("b", "3")),
    says("last"),
)


def names_of_steps(tried):
    return list(tried(*CHAIN, answers=lambda request: True).ran)


@shows(Guarantee.KILLED)
def test_killed_after_any_step_nothing_is_done_twice(tried, ledger):
    names = names_of_steps(tried)
    expected = done(ledger)
    assert len(names) >= 4
    for name in names:
        result = tried(*CHAIN, answers=lambda request: True, kill_after_step=name)
        assert (result.status, done(ledger)) == (CaseStatus.COMPLETED, expected), name
    result = tried(*CHAIN, answers=lambda request: True, kill_after_step=names)
    assert (result.status, done(ledger)) == (CaseStatus.COMPLETED, expected)


@shows(Guarantee.KILLED)
def test_killed_before_a_step_is_recorded_only_that_is_done_again(tried, ledger):
    names = names_of_steps(tried)
    expected = done(ledger)
    for name in names:
        result = tried(*CHAIN, answers=lambda request: True, kill_in_step=name)
        twice = done(ledger) - expected
        assert (result.status, twice.total()) == (CaseStatus.COMPLETED, 1), name
        assert result.ran[name] == 2


@shows(Guarantee.MESSAGES)
def test_however_often_it_is_killed_each_message_is_there_once(tried):
    names = names_of_steps(tried)
    expected = seen(tried(*CHAIN, answers=lambda request: True))
    again = tried(*CHAIN, answers=lambda request: True, kill_after_step=names, kill_in_step=names)
    assert seen(again) == expected
    kinds = Counter(type for type, _ in expected)
    assert (kinds["text"], kinds["tool_call"], kinds["tool_result"]) == (2, 3, 3)


@shows(Guarantee.MESSAGES)
def test_equal_texts_of_different_turns_are_different_messages(tried):
    script = (says("Hm.", look("a", "1")), says("Hm.", look("a", "2")), says("Hm."))
    assert tried(*script, kill_after_step=names_of(tried, script)).said == ["Hm.", "Hm.", "Hm."]


def names_of(tried, script):
    return list(tried(*script).ran)


@shows(Guarantee.MESSAGES)
def test_words_are_shown_while_they_come_and_kept_once_whole(framework, tried):
    needs(framework, Does.STREAMS)
    result = tried(says("one two three", look("a", "1")), says("four five"), name="streaming")
    assert len(result.streamed) > 2
    assert "".join(result.streamed).split() == ["one", "two", "three", "four", "five"]
    assert [text.split() for text in result.said] == [["one", "two", "three"], ["four", "five"]]


@shows(Guarantee.LIMITS)
def test_usage_is_counted_once_over_waits_and_restarts(tried):
    result = tried(*CHAIN, answers=lambda request: True, kill_after_step=names_of_steps(tried))
    used = result.usage
    assert (used.input_tokens, used.output_tokens, used.requests) == (40, 20, 4)


@shows(Guarantee.LIMITS)
def test_a_limit_counts_over_waits_and_restarts(tried, ledger):
    script = (calls(pay("Ann", 1, "1")), calls(pay("Ann", 2, "2")), calls(look("a", "3")), says("last"))
    result = tried(*script, name="limited", answers=lambda request: True)
    assert result.status == CaseStatus.FAILED
    assert done(ledger)["model 3 answered"] == 1
    assert done(ledger)["model 4 answered"] == 0
    assert result.usage.requests == 3


@shows(Guarantee.TELLS)
def test_an_output_beside_a_call_that_waits_completes_nothing(framework, tried, ledger):
    needs(framework, Does.REPORTS)
    script = (final({"summary": "early"}, pay("Ann", 5, "1")), final({"summary": "after it"}))
    result = tried(*script, name="reporting")
    assert result.status in (CaseStatus.NEEDS_INPUT, CaseStatus.FAILED)
    assert "pay Ann 5" not in done(ledger)
    if result.status == CaseStatus.NEEDS_INPUT:
        result = tried(*script, name="reporting", answers=lambda request: True)
        assert "after it" in result.reason
        assert done(ledger)["pay Ann 5"] == 1


@shows(Guarantee.TELLS)
def test_an_agent_that_ends_without_an_output_does_not_complete(tried):
    assert tried(calls(look("a", "1")), says("")).status == CaseStatus.FAILED


@shows(Guarantee.STOPS)
@pytest.mark.parametrize("point", ["step", "step:2", "step:3", "say", "usage:2"])
def test_a_released_run_goes_on_elsewhere_without_an_attempt(tried, ledger, point):
    tried(*CHAIN, answers=lambda request: True)
    expected = done(ledger)
    result = tried(*CHAIN, answers=lambda request: True, release_at=point)
    assert (result.status, result.failed) == (CaseStatus.COMPLETED, [])
    assert done(ledger) == expected


@shows(Guarantee.STOPS)
def test_a_tool_that_swallows_a_stop_does_not_hide_it(tried, ledger):
    script = (calls(Call("swallow", {}, "1")), says("done"))
    result = tried(*script, stop_at="check")
    assert (result.status, result.reason) == (CaseStatus.FAILED, "stopped by a person")
    assert done(ledger)["model 2 answered"] == 0
    again = tried(*script, release_at="check")
    assert (again.status, again.failed) == (CaseStatus.COMPLETED, [])


def stopped_at(line, db, message, ledger):
    """The attempt of the message, asked to stop when the ledger has the line, and the seconds that it took to stop."""
    started = an_attempt(db, message, settings=SETTINGS)
    results = []
    thread = threading.Thread(
        target=lambda: results.append(call_agent(db, SETTINGS, started, lambda effects: None)), daemon=True
    )
    thread.start()
    wait_for(ledger, line)
    asked = monotonic()
    started.stop.request()
    thread.join(60)
    (result,) = results
    assert isinstance(result, Stopped), result
    return started, result, monotonic() - asked


def go_on(db, started, result):
    """Release the attempt, and let another worker finish the run."""
    assert finish(db, started, result, SETTINGS) in ("released", "interrupted")
    (again,) = claim(db, SETTINGS)
    assert work(db, again, SETTINGS, worker="other") == "completed"


def released(db, message):
    with db.begin() as tx:
        tx.sql(
            "update runs set stop_requested_at = now(), release_on_stop = true where id = %(id)s",
            {"id": message.run_id},
        )


@shows(Guarantee.STOPS)
def test_a_stop_reaches_a_model_call_at_once(db, real, ledger):
    message = real(calls(look("a", "1")), says("done", seconds=60))
    _, _, took = stopped_at("model 2", db, message, ledger)
    assert took < SOON
    assert done(ledger) == once("model 1 answered", "look a")


@shows(Guarantee.STOPS)
def test_a_stop_reaches_an_async_tool_at_once(db, real, ledger):
    message = real(calls(Call("wait", {"seconds": 60}, "1")), says("done"))
    _, _, took = stopped_at("wait begins", db, message, ledger)
    assert took < SOON
    assert "wait ends" not in read(ledger)


@shows(Guarantee.STOPS)
def test_a_stop_waits_for_a_plain_tool_whose_result_is_kept(framework, db, real, ledger):
    needs(framework, Does.PLAIN_TOOLS)
    message = real(calls(Call("block", {"seconds": 1}, "1")), says("done"))
    started, result, _ = stopped_at("block begins", db, message, ledger)
    assert read(ledger)[-1] == "block ends"
    released(db, message)
    go_on(db, started, result)
    assert done(ledger) == once("model 1 answered", "block begins", "block ends", "model 2 answered")


@shows(Guarantee.STOPS)
def test_an_attempt_that_lost_its_case_writes_nothing_and_ends(db, real, ledger, tmp_path):
    lost = tmp_path / "the case is lost"
    message = real(calls(look("a", "1")), says("done", until=lost))
    started, results = an_attempt(db, message, settings=SETTINGS), []
    thread = threading.Thread(
        target=lambda: results.append(call_agent(db, SETTINGS, started, lambda effects: None)), daemon=True
    )
    thread.start()
    # From here until the file is there, the attempt waits for its model and leaves the connection alone.
    wait_for(ledger, "model 2")
    before = kept_of(db, message)
    cases.settle(db, SETTINGS, the_case(db, started.case.id).queue_id, [started.case.id], CaseStatus.FAILED)
    lost.touch()
    thread.join(60)
    (result,) = results
    assert isinstance(result, Lost), result
    assert kept_of(db, message) == before
    assert runs.get(db, TEAM, message.run_id).refused_writes > 0


def kept_of(db, message):
    with db.begin() as tx:
        return [
            tx.sql(f"select count(*) from {table} where run_id = %(id)s", {"id": message.run_id}).scalar_one()
            for table in ("run_steps", "run_messages", "run_state", "run_usage")
        ]


@shows(Guarantee.FRESH)
def test_a_run_that_goes_on_is_shown_with_its_steps_and_usage(db, real):
    message = real(*CHAIN)
    work(db, message, SETTINGS)
    (request,) = requests.find(db, TEAM)
    requests.decide(db, TEAM, request.id, True)
    (again,) = claim(db, SETTINGS)
    assert work(db, again, SETTINGS) == "completed"
    run = runs.get(db, TEAM, message.run_id)
    assert (run.attempt, run.failures, run.usage.requests) == (2, 0, 4)
    steps = [one.name for one in runs.list_steps(db, TEAM, message.run_id, limit=100)]
    assert len(steps) >= 6
    assert cases.get(db, TEAM, run.case_id)[0].completed_at - run.created_at < timedelta(minutes=5)
