"""What people do to cases, queues, agents and consumers."""

import pytest

from casework.core.effects import RunMessage
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import LabelRef, NewCase, Priority
from casework.errors import AlreadyAnswered, Conflict, InvalidInput, NameTaken, NotAConsumer, NotFound, TargetNotAllowed
from casework.service import agents, cases, queues, requests, runs
from factories import (
    TEAM,
    a_consumer,
    a_queue,
    an_agent,
    claim,
    history,
    running,
    some_cases,
    the_case,
    the_run,
    work,
    worked_queue,
)


def test_returns_created_cases_as_they_were_given(db):
    queue = a_queue(db)
    data = {"z": 1, "a": [1.5, None, "ä", {"b": True}]}
    (case_id,) = cases.create(
        db, queue.id, [NewCase("t", data, (LabelRef("x"), LabelRef("v", "k")), Priority.HIGH)]
    ).value
    case = the_case(db, case_id)
    assert (case.title, case.data, case.priority, case.status) == ("t", data, Priority.HIGH, CaseStatus.PENDING)
    assert list(case.data) == ["z", "a"]
    assert [(label.key, label.value) for label in case.labels] == [("", "x"), ("k", "v")]


def test_adds_a_key_once(db):
    queue = a_queue(db)
    first = cases.create(db, queue.id, [NewCase("a", key="1"), NewCase("b", key="2")]).value
    second = cases.create(db, queue.id, [NewCase("a", key="1"), NewCase("c", key="3"), NewCase("d", key="3")]).value
    assert (len(first), len(second)) == (2, 1)


def test_adds_no_case_to_a_deleted_queue(db, settings):
    queue = a_queue(db)
    queues.delete(db, settings, TEAM, queue.id)
    with pytest.raises(NotFound):
        cases.create(db, queue.id, [NewCase("x")])


def test_skips_unknown_repeated_and_foreign_ids(db, settings):
    queue, other = a_queue(db), a_queue(db, "other")
    mine, theirs = some_cases(db, queue)[0], some_cases(db, other)[0]
    done = cases.settle(db, settings, queue.id, [mine, mine, theirs, TEAM], CaseStatus.COMPLETED).value
    assert (done.moved, done.skipped) == ([mine], 2)
    assert the_case(db, theirs).status is CaseStatus.PENDING


def test_settling_a_case_cancels_its_open_requests(db, settings):
    queue, _ = worked_queue(db, "sample_agents:asks")
    (case_id,) = some_cases(db, queue)
    (message,) = claim(db)
    work(db, message)
    (request,) = requests.find(db, TEAM)
    done = cases.settle(db, settings, queue.id, [case_id], CaseStatus.COMPLETED, "done by hand").value
    assert done.interrupted == [message.run_id]
    assert the_run(db, message).status is RunStatus.INTERRUPTED
    with pytest.raises(AlreadyAnswered, match="cancelled"):
        requests.answer(db, TEAM, request.id, "red")
    assert history(db, case_id)[-2:] == ["input_cancelled", "settled"]


def test_clears_a_delegation_on_retry_and_delegates_to_consumers_only(db, settings):
    queue, _ = worked_queue(db)
    stranger, chosen = an_agent(db, "stranger"), an_agent(db, "chosen")
    a_consumer(db, queue, chosen, trigger=False)
    (case_id,) = some_cases(db, queue)
    with pytest.raises(NotAConsumer):
        cases.delegate(db, settings, queue.id, [case_id], stranger.id)
    cases.delegate(db, settings, queue.id, [case_id], chosen.id)
    assert the_case(db, case_id).assigned_agent_id == chosen.id
    work(db, claim(db)[0])
    cases.retry(db, settings, queue.id, [case_id])
    case = the_case(db, case_id)
    assert (case.assigned_agent_id, case.claimed_at, case.completed_at) == (None, None, None)


def test_waits_for_a_run_that_still_stops_after_delegating_again(db, settings, clock):
    queue, agent = worked_queue(db)
    case_id, fence = running(db, queue)
    cases.retry(db, settings, queue.id, [case_id])
    done = cases.delegate(db, settings, queue.id, [case_id], agent.id).value
    assert done.interrupted == [fence.run_id]
    assert claim(db) == []


def test_fails_the_case_of_a_stopped_run_with_the_reason(db, settings):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    runs.stop(db, settings, TEAM, fence.run_id, "enough")
    assert the_case(db, case_id).status is CaseStatus.FAILED
    assert cases.get(db, TEAM, case_id)[1][-1].reason == "enough"
    with pytest.raises(NotFound):
        runs.stop(db, settings, TEAM, case_id)


def test_refuses_to_stop_an_ended_run(db, settings):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    (message,) = claim(db)
    work(db, message)
    with pytest.raises(Conflict, match="completed"):
        runs.stop(db, settings, TEAM, message.run_id)


def test_takes_everything_back_from_a_removed_consumer(db, settings):
    queue, agent = worked_queue(db)
    case_id, fence = running(db, queue)
    (delegated,) = some_cases(db, queue)
    cases.delegate(db, settings, queue.id, [delegated], agent.id)
    interrupted = queues.remove_consumer(db, settings, TEAM, queue.id, agent.id).value
    assert interrupted == [fence.run_id]
    assert the_case(db, case_id).status is CaseStatus.PENDING
    assert the_case(db, delegated).assigned_agent_id is None
    with pytest.raises(NotAConsumer):
        queues.remove_consumer(db, settings, TEAM, queue.id, agent.id)


def test_frees_a_deleted_agents_name_and_keeps_it_in_its_runs(db, settings):
    queue, agent = worked_queue(db)
    _, fence = running(db, queue)
    queues.delete_agent(db, settings, TEAM, "worker")
    assert the_run(db, RunMessage(fence.run_id, 1)).agent_name == "worker"
    assert an_agent(db, "worker").id != agent.id


def test_interrupts_and_keeps_the_runs_of_a_deleted_queue(db, settings):
    queue, _ = worked_queue(db)
    _, fence = running(db, queue)
    some_cases(db, queue, 5)
    count, interrupted = queues.delete(db, settings, TEAM, queue.id).value
    assert (count, interrupted) == (6, [fence.run_id])
    with pytest.raises(NotFound):
        queues.get(db, TEAM, "inbox")


def test_refuses_a_name_that_is_taken(db):
    a_queue(db)
    an_agent(db)
    with pytest.raises(NameTaken):
        a_queue(db)
    with pytest.raises(NameTaken):
        an_agent(db)


@pytest.mark.parametrize("target", ["os:system", "sample_agents_too:x", "sample_agents.", "x", "sample_agents:a:b"])
def test_creates_no_agent_outside_the_allow_list(db, settings, target):
    with pytest.raises((TargetNotAllowed, InvalidInput)):
        agents.create(db, settings, TEAM, "a", target=target)
    assert agents.find(db, TEAM) == []


def test_answers_a_request_in_its_own_kind_only(db):
    queue, _ = worked_queue(db, "sample_agents:asks")
    some_cases(db, queue)
    work(db, claim(db)[0])
    (request,) = requests.find(db, TEAM)
    with pytest.raises(InvalidInput, match="question"):
        requests.decide(db, TEAM, request.id, True)


def test_keeps_a_case_settled_when_its_former_agent_is_disconnected(db, settings):
    queue, agent = worked_queue(db)
    case_id, _ = running(db, queue)
    cases.settle(db, settings, queue.id, [case_id], CaseStatus.COMPLETED)
    queues.remove_consumer(db, settings, TEAM, queue.id, agent.id)
    assert the_case(db, case_id).status is CaseStatus.COMPLETED


def test_keeps_a_stopped_case_failed_when_its_agent_is_deleted(db, settings):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    runs.stop(db, settings, TEAM, fence.run_id, "enough")
    queues.delete_agent(db, settings, TEAM, "worker")
    assert the_case(db, case_id).status is CaseStatus.FAILED


def test_keeps_a_delegation_when_the_former_agent_is_disconnected(db, settings):
    queue, agent = worked_queue(db)
    chosen = an_agent(db, "chosen")
    a_consumer(db, queue, chosen, trigger=False)
    case_id, _ = running(db, queue)
    cases.delegate(db, settings, queue.id, [case_id], chosen.id)
    queues.remove_consumer(db, settings, TEAM, queue.id, agent.id)
    assert the_case(db, case_id).assigned_agent_id == chosen.id


def test_updates_are_validated_like_creations(db, settings):
    queue, agent = worked_queue(db)
    queues.create(db, TEAM, "taken")
    for wrong in ({"name": ""}, {"name": "x" * 101}, {"name": "a\0b"}, {"description": "x" * 501}):
        with pytest.raises(InvalidInput):
            queues.update(db, TEAM, queue.id, **wrong)
    for wrong in ({"name": ""}, {"name": "x" * 101}, {"max_attempts": 0}, {"max_attempts": 101}, {"target": None}):
        with pytest.raises(InvalidInput):
            agents.update(db, settings, TEAM, agent.id, **wrong)
    with pytest.raises(NameTaken, match="'taken'"):
        queues.update(db, TEAM, queue.id, name="taken")
    assert queues.get(db, TEAM, queue.id).name == queue.name
    assert agents.get(db, TEAM, agent.id) == agent


def test_what_is_not_given_stays_and_none_is_a_value(db, settings):
    queue = queues.create(db, TEAM, "described", "as it was")
    assert queues.update(db, TEAM, queue.id, name="renamed").description == "as it was"
    assert queues.update(db, TEAM, queue.id, description=None).description is None
    agent = agents.create(db, settings, TEAM, "patient", target="sample_agents:completes", max_attempts=7)
    assert agents.update(db, settings, TEAM, agent.id, name="other").max_attempts == 7
    assert agents.update(db, settings, TEAM, agent.id, max_attempts=None).max_attempts is None


def test_a_move_by_a_person_has_one_timestamp(committed, settings):
    queue, _ = worked_queue(committed)
    (id,) = some_cases(committed, queue)
    claim(committed)
    cases.retry(committed, settings, queue.id, [id])
    with committed.begin() as tx:
        assert tx.sql("select ready_at = updated_at from cases where id = %(id)s", {"id": id}).scalar_one()
