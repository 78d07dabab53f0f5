"""Ticks against ticks, and against people."""

import threading
from collections import Counter
from uuid import uuid4

import pytest
from meeting import LOCK
from waiting import Rival, wait_until_blocked

from casework.core.effects import RunMessage
from casework.core.lifecycle import CaseStatus
from casework.core.model import RunId
from casework.service import cases, dispatch, queues
from casework.service.execution import attempt
from casework.store import cases as case_store
from casework.store import queues as queue_store
from casework.store import transitions
from factories import (
    SETTINGS,
    TEAM,
    a_consumer,
    an_agent,
    an_attempt,
    claim,
    locked,
    some_cases,
    start,
    the_run,
    worked_queue,
)
from seams import Interrupted


def live(db, queue):
    return sum(queues.stats(db, TEAM, queue.id).live_runs.values())


def test_keeps_the_limit_with_eight_ticks_at_once(committed):
    queue, _ = worked_queue(committed, concurrency=3)
    some_cases(committed, queue, 2000)
    barrier = threading.Barrier(8)
    most, errors, claimed = [], [], []

    def ticks():
        barrier.wait()
        for _ in range(40):
            messages = [message for done in dispatch.tick(committed, SETTINGS) for message in done.effects.runs]
            claimed.extend(messages)
            most.append(live(committed, queue))
            for message in messages:
                with committed.begin() as tx:
                    transitions.complete(tx, start(committed, message), None)

    def guarded():
        try:
            ticks()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    assert max(most) <= 3
    assert len(claimed) > 20
    events = Counter()
    with committed.begin() as tx:
        for row in tx.sql("select case_id, count(*) as n from case_history where type = 'claimed' group by 1"):
            events[row.n] += 1
        assert tx.sql("select count(*) from runs where live").scalar_one() <= 3
    assert set(events) == {1}


def test_claims_all_cases_behind_those_that_a_person_holds(committed):
    queue, _ = worked_queue(committed)
    ids = some_cases(committed, queue, 150)
    with committed.begin() as tx:
        case_store.lock(tx, ids[10:15])
        ticks = Rival(lambda: [message for done in dispatch.tick(committed, SETTINGS) for message in done.effects.runs])
        assert len(ticks.result()) == 145


def test_leaves_a_consumer_that_another_tick_holds(committed):
    queue, agent = worked_queue(committed, concurrency=3)
    some_cases(committed, queue, 5)
    with committed.begin() as tx:
        assert locked(tx)
        assert Rival(lambda: claim(committed)).result() == []
    assert len(claim(committed)) == 3


@pytest.mark.parametrize("is_known", [False, True])
def test_counts_slots_that_were_taken_before_the_lock_came(committed, is_known):
    """The rival claims between this tick's first look and its lock; only a count after the lock sees that."""
    queue, agent = worked_queue(committed, concurrency=3)
    some_cases(committed, queue, 6)
    with committed.begin() as tx:
        rival = Interrupted(tx, LOCK, lambda: Rival(lambda: claim(committed)).result())
        known = [(queue.id, agent.id)] if is_known else []
        (held,) = locked(rival, known=known)
        assert held.opening.slots == 0


def test_leaves_a_case_that_a_person_holds_to_the_next_tick(committed):
    queue, _ = worked_queue(committed)
    first, second = some_cases(committed, queue, 2)
    with committed.begin() as tx:
        case_store.lock(tx, [first])
        (message,) = Rival(lambda: claim(committed)).result()
        assert the_run(committed, message).case_id == second
    assert len(claim(committed)) == 1


def test_loses_no_case_that_is_added_while_its_queue_is_deleted(committed):
    queue, _ = worked_queue(committed)
    with committed.begin() as tx:
        assert queue_store.lock_for_adding(tx, queue.id)
        rival = Rival(lambda: queues.delete(committed, SETTINGS, TEAM, queue.id).value)
        wait_until_blocked(committed, rival)
        case_store.create(tx, queue.id, [cases.NewCase("late")])
    assert rival.result()[0] == 1
    with committed.begin() as tx:
        assert tx.sql("select count(*) from cases").scalar_one() == 0


def test_deadlocks_no_people_in_opposite_order(committed):
    queue, agent = worked_queue(committed)
    a_consumer(committed, queue, an_agent(committed, "other"), trigger=False)
    ids = some_cases(committed, queue, 40)
    for message in claim(committed):
        start(committed, message)
    errors = []

    def act(number):
        order = ids if number % 2 else ids[::-1]
        actions = (
            lambda: cases.retry(committed, SETTINGS, queue.id, order),
            lambda: cases.delegate(committed, SETTINGS, queue.id, order, agent.id),
            lambda: cases.settle(committed, SETTINGS, queue.id, order, CaseStatus.COMPLETED),
            lambda: claim(committed),
        )
        try:
            for turn in range(12):
                actions[(number + turn) % len(actions)]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=act, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def test_commits_claims_before_they_are_sent(committed):
    """A worker that gets the message at once must find its run: nothing is published before its commit."""
    queue, _ = worked_queue(committed)
    some_cases(committed, queue, 5)
    sent = 0
    for done in dispatch.tick(committed, SETTINGS):
        for message in done.effects.runs:
            assert Rival(lambda message=message: the_run(committed, message)).result().attempt == message.attempt
            sent += 1
    assert sent == 5


def test_starts_nothing_for_a_claim_that_a_crash_has_undone(committed):
    queue, _ = worked_queue(committed)
    (case_id,) = some_cases(committed, queue)
    undone = RunMessage(RunId(uuid4()), 1)
    assert an_attempt(committed, undone, "w") is None
    assert attempt.start(committed, SETTINGS, (undone, *claim(committed)), "w")[0].fence.case_id == case_id
