"""Cases are created for later or set aside by a person, and retried by the agent that had them."""

from datetime import UTC, datetime, timedelta

import pytest

from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import NewCase
from casework.errors import InvalidInput, NotAConsumer
from casework.service import cases, queues, requests
from casework.service.diagnosis.causes import Reason
from casework.service.diagnosis.queue import why_untaken
from casework.store import transitions
from factories import (
    SETTINGS,
    TEAM,
    a_consumer,
    a_queue,
    an_agent,
    claim,
    history,
    running,
    some_cases,
    start,
    the_case,
    the_run,
    work,
    worked_queue,
)

HOUR = timedelta(hours=1)


def test_a_case_that_is_set_aside_comes_back_at_its_time(db, settings, clock):
    queue, _ = worked_queue(db)
    (case_id,) = some_cases(db, queue)
    done = cases.postpone(db, settings, queue.id, [case_id], "1h", "the office is closed").value
    assert (done.moved, done.skipped, done.interrupted) == ([case_id], 0, [])
    case = the_case(db, case_id)
    assert (case.status, case.postponed_to) == (CaseStatus.POSTPONED, clock.now + HOUR)
    assert cases.get(db, TEAM, case_id)[1][-1].reason == "the office is closed"
    assert claim(db) == []
    clock.forward(3599)
    assert claim(db) == []
    clock.forward(1)
    assert len(claim(db)) == 1


def test_until_when_a_case_waits_can_be_changed(db, settings, clock):
    queue, _ = worked_queue(db)
    (case_id,) = some_cases(db, queue)
    cases.postpone(db, settings, queue.id, [case_id], "1w")
    cases.postpone(db, settings, queue.id, [case_id], clock.now + timedelta(minutes=1))
    clock.forward(60)
    assert len(claim(db)) == 1
    assert history(db, case_id) == ["created", "postponed", "postponed", "claimed"]


def test_postponing_keeps_a_delegation(db, settings, clock):
    queue, agent = worked_queue(db)
    (case_id,) = some_cases(db, queue)
    cases.delegate(db, settings, queue.id, [case_id], agent.id)
    cases.postpone(db, settings, queue.id, [case_id], "1h")
    assert the_case(db, case_id).assigned_agent_id == agent.id


def test_postponing_ends_a_run_that_would_go_on(db, settings, clock):
    queue, _ = worked_queue(db, "sample_agents:asks")
    (case_id,) = some_cases(db, queue)
    (message,) = claim(db)
    work(db, message)
    requests.answer(db, TEAM, requests.find(db, TEAM)[0].id, "red")
    assert cases.postpone(db, settings, queue.id, [case_id], "1h").value.interrupted == [message.run_id]
    run = the_run(db, message)
    assert (run.status, run.reason) == (RunStatus.INTERRUPTED, "its case was postponed")


@pytest.mark.parametrize("seconds", [1, 3600], ids=["shorter than the grace", "longer"])
def test_a_former_run_that_stops_does_not_bring_a_postponed_case_back(db, settings, clock, seconds):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    cases.retry(db, settings, queue.id, [case_id])
    cases.postpone(db, settings, queue.id, [case_id], timedelta(seconds=seconds))
    with db.begin() as tx:
        assert transitions.stopped(tx, fence.run_id, fence.attempt, "stopped as asked")
    assert claim(db) == []
    clock.forward(seconds)
    assert len(claim(db)) == 1


def test_skips_cases_whose_status_does_not_permit_it(db, settings):
    queue, _ = worked_queue(db)
    claimed, _ = running(db, queue)
    (ended,) = some_cases(db, queue)
    cases.settle(db, settings, queue.id, [ended], CaseStatus.COMPLETED)
    done = cases.postpone(db, settings, queue.id, [claimed, ended], "1h").value
    assert (done.moved, done.skipped) == ([], 2)


@pytest.mark.parametrize("until", ["0s", "soon", datetime(2020, 1, 1, tzinfo=UTC), "2026-12-01"])
def test_refuses_a_time_that_has_passed_or_is_none(db, settings, until):
    queue = a_queue(db)
    (case_id,) = some_cases(db, queue)
    with pytest.raises(InvalidInput):
        cases.postpone(db, settings, queue.id, [case_id], until)
    assert the_case(db, case_id).status is CaseStatus.PENDING


def delegated_and_failed(db, settings, queue, agent):
    """A case that was delegated to that agent, which failed it."""
    (case_id,) = some_cases(db, queue)
    cases.delegate(db, settings, queue.id, [case_id], agent.id)
    (message,) = claim(db)
    fence = start(db, message)
    with db.begin() as tx:
        transitions.fail(tx, fence, "no", None)
    return case_id


def test_a_retry_names_the_agents_whose_delegation_ends(db, settings):
    queue, agent = a_queue(db), an_agent(db)
    a_consumer(db, queue, agent, trigger=False)
    case_id = delegated_and_failed(db, settings, queue, agent)
    assert cases.retry(db, settings, queue.id, [case_id]).value.undelegated_from == [agent.id]
    assert claim(db) == []


def test_a_retry_by_the_same_agent_keeps_a_delegation(db, settings):
    queue, agent = a_queue(db), an_agent(db)
    a_consumer(db, queue, agent, trigger=False)
    case_id = delegated_and_failed(db, settings, queue, agent)
    done = cases.retry(db, settings, queue.id, [case_id], same_agent=True).value
    assert (done.moved, done.undelegated_from) == ([case_id], [])
    assert the_case(db, case_id).assigned_agent_id == agent.id
    assert len(claim(db)) == 1


def test_a_retry_by_the_same_agent_finds_the_agent_of_the_last_run(db, settings):
    queue, agent = worked_queue(db)
    case_id, fence = running(db, queue)
    other = an_agent(db, "other")
    a_consumer(db, queue, other)
    with db.begin() as tx:
        transitions.fail(tx, fence, "no", None)
    (new,) = some_cases(db, queue)
    cases.settle(db, settings, queue.id, [new], CaseStatus.FAILED)
    done = cases.retry(db, settings, queue.id, [case_id, new], same_agent=True).value
    assert sorted(done.moved) == sorted([case_id, new])
    assert the_case(db, case_id).assigned_agent_id == agent.id
    assert the_case(db, new).assigned_agent_id is None


def test_a_retry_by_an_agent_that_is_disconnected_changes_nothing(db, settings):
    queue, agent = worked_queue(db)
    case_id, fence = running(db, queue)
    with db.begin() as tx:
        transitions.fail(tx, fence, "no", None)
    queues.remove_consumer(db, settings, TEAM, queue.id, agent.id)
    with pytest.raises(NotAConsumer, match="'worker' is not a consumer of this queue any more"):
        cases.retry(db, settings, queue.id, [case_id], same_agent=True)
    assert the_case(db, case_id).status is CaseStatus.FAILED


def test_says_why_no_agent_would_take_a_case(db, settings):
    queue, agent = a_queue(db, "our inbox"), an_agent(db)

    def untaken():
        return why_untaken(db, SETTINGS, TEAM, queue.id)

    assert (untaken().reason, untaken().detail) == (
        Reason.NO_CONSUMER,
        "the queue has no consumers: `casework consumers set 'our inbox' AGENT`",
    )
    a_consumer(db, queue, agent, trigger=False)
    assert (untaken().reason, untaken().detail) == (
        Reason.TRIGGER_OFF,
        "no consumer of the queue has its trigger on: `casework consumers set 'our inbox' worker --trigger on`",
    )
    a_consumer(db, queue, agent)
    assert untaken() is None
    queues.set_mode(db, TEAM, queue.id, "paused")
    assert untaken().reason is Reason.QUEUE_PAUSED


@pytest.mark.parametrize("ready_at", ["1h", HOUR, datetime(2026, 3, 1, 13, tzinfo=UTC)], ids=["text", "span", "moment"])
def test_a_case_that_is_created_for_later_is_postponed_until_then(db, clock, ready_at):
    queue, _ = worked_queue(db)
    later, now = cases.create(db, queue.id, [NewCase("later", ready_at=ready_at), NewCase("now")]).value
    case = the_case(db, later)
    assert (case.status, case.postponed_to) == (CaseStatus.POSTPONED, clock.now + HOUR)
    assert the_case(db, now).status is CaseStatus.PENDING
    assert len(claim(db)) == 1
    clock.forward(3600)
    assert len(claim(db)) == 1
    assert history(db, later) == ["created", "claimed"]


def test_a_case_that_was_due_before_it_was_created_is_ready(db, clock):
    queue, _ = worked_queue(db)
    (case_id,) = cases.create(db, queue.id, [NewCase("late", ready_at=clock.now - HOUR)]).value
    case = the_case(db, case_id)
    assert (case.status, case.postponed_to) == (CaseStatus.PENDING, None)
    assert len(claim(db)) == 1


def test_refuses_to_create_a_case_for_no_time():
    for wrong in ("soon", "2026-12-01", timedelta(seconds=-1)):
        with pytest.raises(InvalidInput):
            NewCase("a", ready_at=wrong)


def test_a_known_key_gives_the_first_case_in_its_place(db):
    queue = a_queue(db)
    (first,) = cases.create_and_get(db, queue.id, [NewCase("a", key="1")]).value.cases
    assert first.key == "1"
    new = [NewCase("b"), NewCase("a again", key="1"), NewCase("c", key="2"), NewCase("c again", key="2"), NewCase("d")]
    again = cases.create_and_get(db, queue.id, new).value
    assert [case.title for case in again.cases] == ["b", "a", "c", "c", "d"]
    assert again.existing == [first.id]
