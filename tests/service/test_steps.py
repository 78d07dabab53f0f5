"""Steps of a run: what a retry keeps of them, and the key for what must not happen twice."""

from uuid import UUID, uuid5

import pytest

from casework.core.lifecycle import CaseStatus
from casework.core.steps import idempotency_key
from casework.errors import InvalidInput
from casework.service import agents, cases, pull, queues, runs
from casework.store import messages
from factories import TEAM, a_consumer, a_queue, an_agent, an_attempt, claim, some_cases, the_run, work, worked_queue


@pytest.fixture
def counted(db, settings):
    """A case whose run has done a step in its first attempt, and then waits for an answer."""
    queue, agent = worked_queue(db, "sample_agents:asks")
    (case_id,) = some_cases(db, queue)
    (message,) = claim(db)
    assert work(db, message) == "needs_input"
    return queue, case_id, message


def steps(db, run_id):
    return [(step.name, step.value) for step in runs.list_steps(db, TEAM, run_id, limit=10)]


def go_on(db):
    """The next attempt: its message, and what it asks."""
    (message,) = claim(db)
    work(db, message)
    return message


def test_steps_are_listed_with_their_results(db, counted):
    assert steps(db, counted[2].run_id) == [("count", 1)]


@pytest.mark.parametrize("same_agent", [False, True])
def test_a_retry_keeps_the_steps_if_asked_to(db, settings, clock, counted, same_agent):
    queue, case_id, first = counted
    kept = runs.list_steps(db, TEAM, first.run_id, limit=10)
    clock.forward(60)
    cases.retry(db, settings, queue.id, [case_id], same_agent=same_agent, keep_steps=True)
    second = go_on(db)
    assert second.run_id != first.run_id
    assert runs.list_steps(db, TEAM, second.run_id, limit=10) == kept
    said = [one.type for one in runs.list_messages(db, TEAM, second.run_id, limit=10)]
    assert "tool_call" not in said, "the step was done again"


def test_a_retry_forgets_the_steps_otherwise(db, settings, counted):
    queue, case_id, first = counted
    cases.retry(db, settings, queue.id, [case_id])
    second = go_on(db)
    assert "tool_call" in [one.type for one in runs.list_messages(db, TEAM, second.run_id, limit=10)]


def test_steps_are_kept_for_one_run_only(db, settings, counted):
    queue, case_id, _ = counted
    cases.retry(db, settings, queue.id, [case_id], keep_steps=True)
    go_on(db)
    cases.retry(db, settings, queue.id, [case_id])
    (message,) = claim(db)
    an_attempt(db, message)
    assert steps(db, message.run_id) == []


def test_steps_are_kept_over_several_retries(db, settings, counted):
    queue, case_id, _ = counted
    for _ in range(2):
        cases.retry(db, settings, queue.id, [case_id], keep_steps=True)
        second = go_on(db)
    assert steps(db, second.run_id) == [("count", 1)]


def test_a_run_that_never_started_hands_the_kept_steps_on(db, settings, counted):
    queue, case_id, _ = counted
    cases.retry(db, settings, queue.id, [case_id], keep_steps=True)
    claim(db)
    cases.retry(db, settings, queue.id, [case_id], keep_steps=True)
    assert steps(db, go_on(db).run_id) == [("count", 1)]


def test_disconnecting_an_agent_before_it_starts_loses_no_kept_steps(db, settings, counted):
    queue, case_id, _ = counted
    cases.retry(db, settings, queue.id, [case_id], keep_steps=True)
    claim(db)
    agent = agents.find(db, TEAM)[0]
    queues.remove_consumer(db, settings, TEAM, queue.id, agent.id)
    a_consumer(db, queue, agent)
    assert steps(db, go_on(db).run_id) == [("count", 1)]


def test_a_worker_that_died_before_taking_the_steps_loses_none(db, settings, counted):
    queue, case_id, _ = counted
    cases.retry(db, settings, queue.id, [case_id], keep_steps=True)
    (message,) = claim(db)
    started = an_attempt(db, message)
    assert started.keeps_steps
    with db.begin() as tx:
        assert messages.take_kept_steps(tx, started.fence)
        assert messages.take_kept_steps(tx, started.fence), "twice is once"
    assert steps(db, message.run_id) == [("count", 1)]


def test_a_run_that_lost_its_case_takes_no_steps(db, settings, counted):
    queue, case_id, _ = counted
    cases.retry(db, settings, queue.id, [case_id], keep_steps=True)
    (message,) = claim(db)
    started = an_attempt(db, message)
    cases.settle(db, settings, queue.id, [case_id], CaseStatus.FAILED)
    with db.begin() as tx:
        assert not messages.take_kept_steps(tx, started.fence)
    assert steps(db, message.run_id) == []


def test_a_pull_agent_gets_the_kept_steps(db, settings):
    queue, agent = a_queue(db), an_agent(db, kind="pull", target=None)
    a_consumer(db, queue, agent)
    (case_id,) = some_cases(db, queue)
    first = pull.claim(db, TEAM, agent.id, "w")
    pull.backend(db, settings, TEAM, first.run_id, first.attempt, lambda effects: None).record_step("weigh", "3")
    cases.retry(db, settings, queue.id, [case_id], keep_steps=True)
    runs_until = the_run(db, first)
    assert runs_until.stop_requested_at
    pull.release(db, settings, TEAM, first.run_id, first.attempt)
    second = pull.claim(db, TEAM, agent.id, "w")
    assert (second.attempt, second.steps) == (1, {"weigh": 3})


def test_the_idempotency_key_is_the_name_within_the_case():
    case_id = UUID("0190a0b0-0000-7000-8000-000000000001")
    key = idempotency_key(case_id, "pay")
    assert key == str(uuid5(case_id, "pay")) == "5dc50482-bc0e-506d-98a6-df6ba74e134f"
    assert idempotency_key(case_id, "refund") != key
    with pytest.raises(InvalidInput):
        idempotency_key(case_id, "")
