"""Every status against every event, in the database: the guards in SQL and the lifecycle's table are one."""

import itertools

import pytest

from casework.core.effects import RunMessage
from casework.core.lifecycle import LIFECYCLE, TRANSITIONS, Actor, CaseStatus, Event, RunStatus
from casework.core.requests import Placed, Request
from casework.errors import AlreadyAnswered, TransitionRefused
from casework.service import cases, requests, runs
from casework.store import messages, transitions
from casework.store import requests as request_store
from casework.store.ids import new_id
from casework.store.transitions import Fence, Overridden
from factories import (
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


def case_in(db, settings, queue, status):
    """A case with that status, and the fence of the run that has or had it."""
    case_id, fence = running(db, queue)
    with db.begin() as tx:
        match status:
            case CaseStatus.PENDING:
                transitions.try_again(tx, fence, 0, "x", None)
            case CaseStatus.NEEDS_INPUT:
                request_id = new_id()
                transitions.ask(tx, fence, request_id, "q")
                request_store.create(tx, fence, [Placed(Request(title="q"))], [request_id])
            case CaseStatus.POSTPONED:
                transitions.postpone(tx, fence, tx.now, None)
            case CaseStatus.COMPLETED:
                transitions.complete(tx, fence, None)
            case CaseStatus.FAILED:
                transitions.fail(tx, fence, "no", None)
    assert the_case(db, case_id).status is status
    return case_id, fence


def go_on_without_an_answer(tx, fence):
    asked = [one.id for one in request_store.of_run(tx, fence.run_id)] or [new_id()]
    return transitions.answer(tx, fence.case_id, asked[0], asked[0], "[]", expired=True)


def attempt(db, settings, queue, agent, event, target, case_id, fence):
    """Try the event; whether it moved the case."""
    if event is Event.DELETE:
        return bool(cases.delete(db, settings, queue.id, [case_id]).value.moved)
    if event is Event.RETRY:
        return bool(cases.retry(db, settings, queue.id, [case_id]).value.moved)
    if event is Event.DELEGATE:
        return bool(cases.delegate(db, settings, queue.id, [case_id], agent.id).value.moved)
    if event is Event.SETTLE:
        return bool(cases.settle(db, settings, queue.id, [case_id], target).value.moved)
    if event is Event.DEFER:
        return bool(cases.postpone(db, settings, queue.id, [case_id], "2h").value.moved)
    if event is Event.ANSWER:
        open_ = requests.find(db, TEAM)
        return bool(open_) and bool(requests.answer(db, TEAM, open_[0].id, "yes").value)
    if event is Event.STOP:
        before = the_case(db, case_id).status
        if before not in LIFECYCLE.sources(Event.STOP):
            return False
        return runs.stop(db, settings, TEAM, fence.run_id).value is not None
    with db.begin() as tx:
        return {
            (Event.COMPLETE, CaseStatus.COMPLETED): lambda: transitions.complete(tx, fence, None),
            (Event.FAIL, CaseStatus.FAILED): lambda: transitions.fail(tx, fence, "x", None),
            (Event.POSTPONE, CaseStatus.POSTPONED): lambda: transitions.postpone(tx, fence, tx.now, None),
            (Event.HAND_OVER, CaseStatus.PENDING): lambda: transitions.hand_over(tx, fence, agent.id, None),
            (Event.ASK, CaseStatus.NEEDS_INPUT): lambda: transitions.ask(tx, fence, new_id(), "q"),
            (Event.EXPIRE, CaseStatus.PENDING): lambda: go_on_without_an_answer(tx, fence),
            (Event.EXPIRE, CaseStatus.POSTPONED): lambda: transitions.expire(
                tx, fence, new_id(), "x", postpone_seconds=60
            ),
            (Event.EXPIRE, CaseStatus.FAILED): lambda: transitions.expire(tx, fence, new_id(), "x"),
            (Event.ATTEMPT_FAILED, CaseStatus.PENDING): lambda: transitions.try_again(tx, fence, 1, "x", None),
            (Event.ATTEMPT_FAILED, CaseStatus.FAILED): lambda: transitions.give_up(tx, fence, "x", None),
            (Event.RELEASE, CaseStatus.PENDING): lambda: transitions.release(tx, fence, "x"),
        }[event, target]()


ARROWS = [(row.event, row.target) for row in TRANSITIONS if row.event not in (Event.CREATE, Event.CLAIM, Event.RESUME)]


@pytest.mark.parametrize(("status", "arrow"), list(itertools.product(CaseStatus, ARROWS)), ids=str)
def test_sql_moves_exactly_what_the_table_allows(db, settings, status, arrow):
    event, target = arrow
    queue, agent = worked_queue(db)
    case_id, fence = case_in(db, settings, queue, status)
    moved = attempt(db, settings, queue, agent, event, target, case_id, fence)
    assert moved == LIFECYCLE.allows(status, event, target)
    if event is Event.DELETE:
        assert the_run(db, RunMessage(fence.run_id, 1)).case_id is None
    else:
        assert the_case(db, case_id).status is (target if moved else status)
        (row,) = LIFECYCLE.rows(event, target)
        if moved:
            assert row.records in history(db, case_id)


def test_each_move_leaves_the_run_as_the_table_says(db, settings):
    queue, agent = worked_queue(db)
    for row in TRANSITIONS:
        if CaseStatus.CLAIMED in row.sources:
            case_id, fence = running(db, queue)
            attempt(db, settings, queue, agent, row.event, row.target, case_id, fence)
            status = the_run(db, RunMessage(fence.run_id, 1)).status
            # A run that is being executed is asked to stop; it ends when it has.
            assert status is (RunStatus.RUNNING if row.run is RunStatus.INTERRUPTED else row.run), row


@pytest.mark.parametrize("change", ["run", "attempt"])
def test_a_run_writes_only_with_its_own_token(db, settings, change):
    queue, agent = worked_queue(db)
    case_id, fence = running(db, queue)
    other = Fence(case_id, new_id(), 1) if change == "run" else Fence(case_id, fence.run_id, 2)
    for event, target in ARROWS:
        if event not in (
            Event.DELETE,
            Event.RETRY,
            Event.DELEGATE,
            Event.DEFER,
            Event.SETTLE,
            Event.ANSWER,
            Event.STOP,
        ):
            assert not attempt(db, settings, queue, agent, event, target, case_id, other)
    assert the_case(db, case_id).status is CaseStatus.CLAIMED


def test_a_zombie_of_an_older_attempt_changes_nothing(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, zombie = running(db, queue)
    with db.begin() as tx:
        assert transitions.try_again(tx, zombie, 0, "lost", None)
    (message,) = claim(db)
    assert message == RunMessage(zombie.run_id, 2)
    fence = start(db, message)
    with db.begin() as tx:
        assert not transitions.complete(tx, zombie, "late")
        assert transitions.complete(tx, fence, "in time")
        assert not transitions.complete(tx, fence, "twice")
    assert history(db, case_id).count("completed") == 1


PERSONS = [(row.event, row.target) for row in LIFECYCLE.overrides(Actor.PERSON)]


@pytest.mark.parametrize(("status", "move"), list(itertools.product(CaseStatus, PERSONS)), ids=str)
def test_a_person_who_has_not_locked_the_case_is_refused_by_sql(db, settings, status, move):
    queue, _ = worked_queue(db)
    case_id, _ = case_in(db, settings, queue, status)
    before = the_case(db, case_id), history(db, case_id)

    def override():
        with db.begin() as tx:
            transitions.override(tx, *move, [Overridden(case_id, tx.now, None, [])], until=tx.now)

    if LIFECYCLE.allows(status, *move):
        override()
        assert the_case(db, case_id).status is move[1]
    else:
        with pytest.raises(TransitionRefused, match=f"{move[0]} needs a case that is"):
            override()
        assert (the_case(db, case_id), history(db, case_id)) == before


def test_one_case_that_moved_meanwhile_keeps_all_from_being_moved(db, settings):
    queue, _ = worked_queue(db)
    ready, done = (
        case_in(db, settings, queue, CaseStatus.FAILED)[0],
        case_in(db, settings, queue, CaseStatus.COMPLETED)[0],
    )
    with pytest.raises(TransitionRefused, match="1 of 2 cases"), db.begin() as tx:
        both = [Overridden(one, tx.now, None, []) for one in (ready, done)]
        transitions.override(tx, Event.SETTLE, CaseStatus.COMPLETED, both)
    assert the_case(db, ready).status is CaseStatus.FAILED


def test_a_message_that_comes_twice_starts_once(db):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    (message,) = claim(db)
    assert work(db, message) == "completed"
    assert work(db, message) == "not started"


def test_an_answer_is_stored_once(db, settings):
    queue, _ = worked_queue(db, "sample_agents:asks")
    some_cases(db, queue)
    assert work(db, claim(db)[0]) == "needs_input"
    (request,) = requests.find(db, TEAM)
    requests.answer(db, TEAM, request.id, "red")
    with pytest.raises(AlreadyAnswered, match="answered already"):
        requests.answer(db, TEAM, request.id, "blue")


def test_hand_over_is_an_ownership_event(db):
    queue, _ = worked_queue(db, "sample_agents:hands_over")
    other = an_agent(db, "other")
    a_consumer(db, queue, other, trigger=False)
    (case_id,) = some_cases(db, queue, data={"to": "other"})
    assert work(db, claim(db)[0]) == "handed_over"
    assert the_case(db, case_id).assigned_agent_id == other.id
    assert work(db, claim(db)[0]) == "completed"
    assert history(db, case_id) == ["created", "claimed", "handed_over", "handover", "completed"]


def test_a_hand_over_to_a_stranger_fails_the_case(db):
    queue, _ = worked_queue(db, "sample_agents:hands_over")
    an_agent(db, "stranger")
    a_queue(db, "elsewhere")
    (case_id,) = some_cases(db, queue, data={"to": "stranger"})
    assert work(db, claim(db)[0]) == "failed"
    assert "not a consumer" in cases.get(db, TEAM, case_id)[1][-1].reason


def test_an_older_attempt_says_nothing_keeps_no_step_and_starts_nothing(db):
    queue, _ = worked_queue(db)
    _, zombie = running(db, queue)
    with db.begin() as tx:
        transitions.try_again(tx, zombie, 0, "lost", None)
    (message,) = claim(db)
    with db.begin() as tx:
        assert transitions.start(tx, RunMessage(message.run_id, 1), "w") is None
    start(db, message)
    with db.begin() as tx:
        assert not tx.sql(*messages.say_statement(zombie, "text", {"text": "late"}, "k")).scalar_one()
        assert not messages.record_step(tx, zombie, "late", "1")
        assert messages.steps_of(tx, message.run_id) == {}
        assert messages.find(tx, message.run_id, limit=10) == []
