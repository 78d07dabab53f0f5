"""Whatever an adapter's process is killed in, what was finished is not done again. See `conformance.py`."""

from collections import Counter
from datetime import timedelta

from casework.core.lifecycle import CaseStatus
from casework.service import cases, requests, runs
from factories import TEAM, claim, work
from integrations.conformance import (
    Does,
    Guarantee,
    calls,
    final,
    look,
    pay,
    says,
)
from integrations.shown import CHAIN, SETTINGS, done, names_of, names_of_steps, needs, seen, shows


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
        assert result.status == CaseStatus.COMPLETED
        assert twice.total() <= 1, name
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


@shows(Guarantee.FRESH)
def test_a_run_that_goes_on_is_shown_with_its_steps_and_usage(db, real):
    message = real(*CHAIN)
    work(db, message, SETTINGS)
    (request,) = requests.find(db, TEAM)
    requests.decide(db, TEAM, request.id, True)
    (again,) = claim(db)
    assert work(db, again, SETTINGS) == "completed"
    run = runs.get(db, TEAM, message.run_id)
    assert (run.attempt, run.failures, run.usage.requests) == (2, 0, 4)
    steps = [one.name for one in runs.list_steps(db, TEAM, message.run_id, limit=100)]
    assert len(steps) >= 6
    assert cases.get(db, TEAM, run.case_id)[0].completed_at - run.created_at < timedelta(minutes=5)
