"""What is around a case - its queue, its consumers, their agents - changes while somebody is at the case."""

import pytest
from acts import (
    answer,
    ask,
    complete,
    connect,
    create,
    delegate,
    delegate_to_other,
    delete_agent,
    delete_queue,
    disconnect,
    disconnect_other,
    drain,
    hand_over,
    label,
    make_label,
    pause,
    postpone,
    retry,
    settle,
    start,
    tick,
)
from invariants import broken
from meeting import CLAIM, LOCK, Met, meet, meetings
from scenes import asked, claimed, pending, running
from waiting import Halted, Rival, wait_until_blocked, wait_until_still

from casework.core.lifecycle import CaseStatus
from casework.core.model import NewCase, Priority
from casework.service import cases, dispatch, queues
from casework.store import cases as case_store
from factories import SETTINGS, TEAM, claim, some_cases, the_run, worked_queue


@meetings(
    Met(pending, tick, disconnect, "claims 1, then interrupts 1: pending, interrupted; claimed retried"),
    Met(pending, tick, disconnect, "claims 1, then interrupts 1: pending, interrupted; claimed retried", before=CLAIM),
    Met(pending, tick, disconnect, "claims 0, at once interrupts 0: pending", before=LOCK),
    Met(pending, disconnect, tick, "interrupts 0, at once claims 0: pending"),
    Met(pending, tick, delete_agent, "claims 1, then interrupts 1: pending, interrupted; claimed retried"),
    Met(pending, tick, delete_agent, "claims 0, at once interrupts 0: pending", before=LOCK),
    Met(pending, delete_agent, tick, "interrupts 0, at once claims 0: pending"),
)
def test_claims_nothing_for_a_disconnected_consumer(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(pending, tick, connect, "claims 1, then connected: claimed, pending; claimed"),
    Met(pending, tick, connect, "claims 1, then connected: claimed, pending; claimed", before=CLAIM),
    Met(pending, connect, tick, "connected, at once claims 0: pending"),
)
def test_leaves_a_consumer_that_is_being_changed_to_the_next_tick(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(claimed, start, disconnect, "started, then interrupts 1: pending, running!; retried"),
    Met(claimed, disconnect, start, "interrupts 1, then not started: pending, interrupted; retried"),
    Met(
        running,
        disconnect,
        complete,
        "interrupts 1, then refused: pending, interrupted; retried write_refused interrupted; 1 refused",
    ),
    Met(
        running,
        disconnect,
        ask,
        "interrupts 1, then refused: pending, interrupted; retried write_refused interrupted; 1 refused",
    ),
    Met(
        running,
        ask,
        disconnect,
        "needs_input, then interrupts 1: pending, interrupted; needs_input input_cancelled retried",
    ),
    Met(asked, answer, disconnect, "answered, then interrupts 1: pending, interrupted; input_received delegated"),
    Met(asked, disconnect, answer, "interrupts 1, then AlreadyAnswered: pending, interrupted; input_cancelled retried"),
    Met(pending, delegate, disconnect, "moved, then interrupts 0: pending; delegated delegated"),
    Met(pending, disconnect, delegate, "interrupts 0, then NotAConsumer: pending"),
    Met(pending, delegate, delete_agent, "moved, then interrupts 0: pending; delegated delegated"),
    Met(pending, delete_agent, delegate, "interrupts 0, then NotAConsumer: pending"),
)
def test_returns_the_cases_of_a_disconnected_agent(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(running, complete, disconnect, "completed, then interrupts 0: completed, completed; completed"),
    Met(running, postpone, disconnect, "postponed, then interrupts 0: postponed, completed; postponed"),
    Met(running, hand_over, disconnect, "handed_over, then interrupts 0: pending, completed; handed_over"),
    Met(running, settle, disconnect, "moved, then interrupts 0: failed, running!; settled"),
    Met(running, retry, disconnect, "moved, then interrupts 0: pending, running!; retried"),
    Met(running, delegate_to_other, disconnect, "moved, then interrupts 0: pending, running!; delegated"),
    Met(running, complete, delete_agent, "completed, then interrupts 0: completed, completed; completed"),
)
def test_leaves_a_case_that_the_disconnected_agent_no_longer_has(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(
        running,
        hand_over,
        disconnect_other,
        "handed_over, then interrupts 0: pending, completed; handed_over delegated",
    ),
    Met(running, disconnect_other, hand_over, "interrupts 0, then failed: failed, failed; failed"),
)
def test_loses_no_case_handed_over_to_a_disconnected_agent(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(pending, tick, delete_queue, "claims 1, then deletes 1, interrupts 1: gone, interrupted"),
    Met(pending, tick, delete_queue, "claims 0, at once deletes 1, interrupts 0: gone", before=LOCK),
    Met(pending, delete_queue, tick, "deletes 1, interrupts 0, at once claims 0: gone"),
    Met(pending, delete_queue, tick, "deletes 1, interrupts 0, at once claims 0: gone", commit=2),
    Met(pending, delete_queue, tick, "deletes 1, interrupts 0, at once claims 0: gone", commit=3),
    Met(running, complete, delete_queue, "completed, then deletes 1, interrupts 0: gone, completed"),
    Met(
        running, delete_queue, complete, "deletes 1, interrupts 1, then refused: gone, interrupted; 1 refused", commit=2
    ),
)
def test_claims_nothing_from_a_deleted_queue(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(pending, create, delete_queue, "creates 1, then deletes 2, interrupts 0: gone"),
    Met(pending, delete_queue, create, "deletes 2, interrupts 0, at once creates 1: gone"),
    Met(pending, delete_queue, create, "deletes 2, interrupts 0, at once creates 1: gone", commit=2),
    Met(pending, delete_queue, create, "deletes 1, interrupts 0, then NotFound: gone", commit=3),
    Met(pending, label, delete_queue, "labelled, then deletes 1, interrupts 0: gone"),
    Met(pending, connect, delete_queue, "connected, then deletes 1, interrupts 0: gone"),
    Met(pending, delete_queue, delegate, "deletes 1, interrupts 0, then NotAConsumer: gone", commit=3),
)
def test_case_added_during_deletion_of_its_queue_is_deleted_or_refused(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(pending, delete_queue, label, "deletes 1, interrupts 0, then NotFound: gone", commit=3),
    Met(pending, delete_queue, make_label, "deletes 1, interrupts 0, then NotFound: gone", commit=3),
)
def test_refuses_a_label_for_a_deleted_queue(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(pending, delete_queue, delete_queue, "deletes 1, interrupts 0, then NotFound: gone", commit=3),
    Met(pending, delete_queue, pause, "deletes 1, interrupts 0, then NotFound: gone", commit=3),
)
def test_finds_no_queue_that_was_deleted_meanwhile(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(pending, delete_queue, connect, "deletes 1, interrupts 0, then NotFound: gone", commit=3),
    Met(pending, connect, delete_agent, "connected, then interrupts 0: pending"),
    Met(pending, delete_agent, connect, "interrupts 0, then NotFound: pending"),
)
def test_connects_no_deleted_agent_or_queue(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(claimed, drain, start, "asks 1, then not started: pending, waiting; released"),
    Met(claimed, start, drain, "started, then asks 1: claimed, running!"),
    Met(claimed, drain, retry, "asks 1, then skipped: pending, waiting; released"),
    Met(claimed, retry, drain, "moved, then asks 0: pending, interrupted; retried"),
    Met(claimed, drain, drain, "asks 1, then asks 0: pending, waiting; released"),
    Met(running, drain, complete, "asks 1, then completed: completed, completed; completed"),
    Met(running, complete, drain, "completed, then asks 0: completed, completed; completed"),
    Met(running, drain, retry, "asks 1, then moved: pending, running!; retried"),
    Met(running, retry, drain, "moved, then asks 0: pending, running!; retried"),
)
def test_drains_by_taking_back_pending_runs_and_stopping_the_rest(committed, meeting):
    meeting.check(committed)


def connect_with(db, queue, agent, concurrency):
    queues.set_consumer(db, TEAM, queue.id, agent.id, trigger=True, concurrency=concurrency)


def test_respects_a_limit_set_before_the_tick_has_its_lock(committed):
    queue, agent = worked_queue(committed, concurrency=1)
    some_cases(committed, queue, 5)
    lowered = Halted(committed, lambda: connect_with(committed, queue, agent, 3), before=LOCK)
    assert len(dispatch.claim_round(lowered).claimed) == 3


def test_respects_a_limit_set_during_a_tick_from_the_next_one_on(committed):
    queue, agent = worked_queue(committed, concurrency=3)
    some_cases(committed, queue, 5)
    rivals = []

    def lower():
        rivals.append(Rival(lambda: connect_with(committed, queue, agent, 1)))
        wait_until_blocked(committed, rivals[0])

    messages = dispatch.claim_round(Halted(committed, lower, before=CLAIM)).claimed
    rivals[0].result()
    assert len(messages) == 3
    assert claim(committed) == []


def test_locks_cases_in_the_common_order_to_drain(committed):
    """The case of the first run is the second one: it is claimed first, because of its priority."""
    queue, _ = worked_queue(committed)
    (first,) = some_cases(committed, queue)
    (second,) = some_cases(committed, queue, priority=Priority.HIGH)
    assert the_run(committed, claim(committed)[0]).case_id == second
    with committed.begin() as tx:
        case_store.lock(tx, [first])
        draining = Rival(lambda: queues.release_live_runs(committed, SETTINGS, TEAM, queue.id).value)
        wait_until_blocked(committed, draining)
        assert (
            Rival(lambda: cases.settle(committed, SETTINGS, queue.id, [second], CaseStatus.FAILED).value).result().moved
        )
    assert draining.result() == 1


@pytest.mark.parametrize("second", [delegate, disconnect, delete_agent])
def test_locks_consumers_before_a_late_case_to_delete_a_queue(committed, second, full_queues):
    scene = pending(committed)
    said = meet(scene, delete_queue, second, before="order by id for no key update")
    assert said.startswith("deletes 1, interrupts 0, then ")
    assert broken(committed) == {}


def test_waits_for_a_queues_deletion_before_labelling_its_case(committed, full_queues):
    scene = pending(committed)
    assert (
        meet(scene, delete_queue, label, before="order by id for no key update")
        == "deletes 1, interrupts 0, then NotFound"
    )


def test_imports_the_same_keys_in_opposite_order_without_deadlock(committed):
    """Both are stopped in their middle, at a key that a third one is adding."""
    queue, _ = worked_queue(committed)
    keys = [NewCase(key, key=key) for key in "abc"]
    with committed.begin() as tx:
        case_store.create(tx, queue.id, keys[1:2])
        rivals = []
        for new in (keys, keys[::-1]):
            rivals.append(Rival(lambda new=new: cases.create(committed, queue.id, new).value))
            wait_until_still(committed, *rivals)
    assert sorted(len(rival.result()) for rival in rivals) == [0, 2]
