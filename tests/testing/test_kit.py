"""The kit for testing agents, as its users use it: without a server."""

import asyncio
import time
from pathlib import Path

import pytest
import scenario_agents

from casework import Complete, Fail, Postpone, agent
from casework.agents.runners.python import PythonRunner
from casework.core.lifecycle import CaseStatus
from casework.core.model import LabelRef
from casework.errors import InvalidInput, RunLost
from casework.testing import FailedAttempt, run_agent


def test_a_case_goes_in_and_what_came_of_it_comes_out():
    result = run_agent(scenario_agents.asks, answers={"Which colour?": "red", "Name?": "Ann", "Paint?": True})
    assert (result.status, result.outcome) == (CaseStatus.COMPLETED, Complete())
    assert result.said == ["red red Ann"]
    assert [(one.title, one.answer) for one in result.requests] == [
        ("Which colour?", "red"),
        ("Which colour?", "red"),
        ("Name?", "Ann"),
        ("Paint?", True),
    ]
    assert result.attempts == 5


def test_a_question_without_an_answer_stays_open():
    result = run_agent(scenario_agents.asks, answers={"Which colour?": "red"})
    assert (result.status, result.outcome, result.requests[-1].answer) == (CaseStatus.NEEDS_INPUT, None, None)


def test_answers_may_be_a_function_of_the_request():
    asked = []

    def answer(request):
        asked.append(request)
        return request.options[-1] if request.options else None

    result = run_agent(scenario_agents.asks, answers=answer)
    assert [one.title for one in asked] == ["Which colour?", "Which colour?", "Name?"]
    assert result.requests[0].answer == "blue"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"Which colour?": "green"}, "must be one of 'red', 'blue'"),
        ({"Which colour?": True}, "is answered with text"),
        ({"Which colour?": "red", "Name?": "a\0"}, "NUL"),
        ({"Which colour?": "red", "Name?": "Ann", "Paint?": "yes"}, "True or False"),
    ],
)
def test_an_answer_that_a_person_could_not_give_is_refused(answers, message):
    with pytest.raises(InvalidInput, match=message):
        run_agent(scenario_agents.asks, answers=answers)


def test_an_agent_that_is_killed_between_any_two_steps_does_each_once():
    expected = run_agent(scenario_agents.works)
    for step in expected.ran:
        result = run_agent(scenario_agents.works, kill_after_step=step)
        assert (result.outcome, result.ran, result.said) == (
            Complete("1 True" if step == "second" else "2 True"),
            {"first": 1, "second": 1},
            expected.said,
        )


def test_a_step_whose_result_was_not_recorded_is_done_again():
    result = run_agent(scenario_agents.works, kill_in_step=["first", "second"])
    assert (result.ran, result.attempts) == ({"first": 2, "second": 2}, 3)
    assert result.failed == [FailedAttempt("worker fell silent", 0.0)] * 2


def test_what_a_killed_process_had_under_way_does_not_go_on():
    ended, goes_on = [], asyncio.Event()

    @agent
    async def parallel(run):
        async def second():
            await goes_on.wait()
            ended.append(run.attempt)
            return 2

        if run.attempt == 2:
            goes_on.set()
            while not ended:
                await asyncio.sleep(0)
        await asyncio.gather(run.step("second", second), run.step("first", lambda: asyncio.sleep(0)))
        return Complete()

    result = run_agent(parallel, kill_after_step="first")
    assert (result.ran, result.steps, result.attempts) == ({"first": 1, "second": 1}, {"second": 2, "first": None}, 2)
    assert ended == [1, 2]


def test_a_call_at_which_the_agent_is_killed_has_no_effect():
    result = run_agent(scenario_agents.talks, kill_at="say:2")
    assert (result.said, result.attempts) == (["same", "same"], 2)


def test_calls_within_calls_and_within_steps_are_counted_as_the_agents_own():
    @agent
    def checks(run):
        run.tool("look", result=1)
        run.step("inner", lambda: run.check())
        run.check()
        return Complete()

    assert run_agent(checks, stop_at="check:2").ran == {"inner": 1}
    assert run_agent(checks, stop_at="check:1").ran == {}
    with pytest.raises(InvalidInput, match=r"run.check 2 times, and this would be call 3"):
        run_agent(checks, stop_at="check:3")


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ({"stop_at": "says"}, "did you mean 'say'"),
        ({"kill_at": "say:0"}, 'as in "say:2"'),
        ({"release_at": "say:9"}, "release_at: the agent called run.say 2 times"),
        ({"kill_after_step": "frist"}, "'frist', which it did not do; it did 'first', 'second'"),
        ({"kill_in_step": ["first", "third"]}, "'third'"),
    ],
)
def test_a_point_that_the_agent_does_not_come_to_fails_the_test(points, message):
    with pytest.raises(InvalidInput, match=message):
        run_agent(scenario_agents.works, **points)


def test_time_passes_at_once_and_is_seen():
    @agent
    def slow(run):
        run.sleep(3600)
        if run.attempt == 1:
            raise TimeoutError
        return Postpone("1w")

    waited = []
    before = time.process_time()
    result = run_agent(slow, sleep=waited.append, comes_back=3)
    assert time.process_time() - before < 5
    assert waited == [3600, 1.0, 3600] * 4
    assert (result.runs, result.attempts, result.status) == (4, 2, CaseStatus.POSTPONED)


def test_messages_and_failed_attempts_are_heard_as_they_come():
    heard = []
    run_agent(scenario_agents.stumbles, data={"times": 1}, listen=heard.append)
    assert [getattr(one, "content", one) for one in heard] == [
        {"text": "attempt 1"},
        FailedAttempt("Transient: busy", 1.0),
        {"text": "attempt 2"},
    ]


def test_ids_are_the_same_whenever_a_test_runs():
    first, second = (run_agent(scenario_agents.feeds, answers={"Go on?": "yes"}) for _ in range(2))
    assert first.case.id == second.case.id
    assert [one.id for one in first.cases] == [one.id for one in second.cases]


def test_the_agent_sees_the_cases_around_its_own():
    @agent
    def looks(run):
        return Complete(", ".join(one.title for one in run.list_cases(run.case.data)))

    given = {"title": "held", "labels": [{"value": "v"}], "priority": "high", "queue": "mine"}
    result = run_agent(looks, data="mine", cases=[{"title": "older"}, {"title": "newer"}], **given)
    assert result.reason == "newer, older, held"
    assert (result.case.labels, str(result.case.priority)) == ((LabelRef("v"),), "high")
    assert run_agent(looks, data="another", **given).reason == ""


def test_an_agent_runs_behind_any_runner():
    assert run_agent(PythonRunner(scenario_agents.talks)).outcome == Complete("talked")


@pytest.mark.parametrize("wrong", [lambda run: Complete(), None, "scenario_agents:talks"])
def test_what_is_no_agent_is_refused(wrong):
    with pytest.raises(InvalidInput, match="decorate it"):
        run_agent(wrong)


def test_an_error_of_the_agents_is_there_with_its_traceback():
    result = run_agent(scenario_agents.raises, data="bug")
    assert isinstance(result.outcome, Fail)
    assert result.outcome.reason.endswith("there is no 'zip' (KeyError: 'zip')")
    assert Path(scenario_agents.__file__).name in result.error


def test_an_agent_that_never_ends_is_given_up():
    @agent
    def releases(run):
        raise RunLost

    with pytest.raises(InvalidInput, match="1000 attempts"):
        run_agent(releases)
