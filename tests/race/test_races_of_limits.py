"""Ticks against ticks, and against whoever changes a limit: no cap is exceeded, and nothing is left behind."""

import threading
from collections import Counter
from random import Random

import pytest
from waiting import PATIENCE, Halted, Rival, wait_until_blocked

from casework.core.limits import Rate
from casework.core.model import NewCase
from casework.errors import NotFound
from casework.service import cases, dispatch, limits, pull, queues
from casework.service.ticker import Ticker
from casework.store import transitions
from factories import SETTINGS, TEAM, a_consumer, a_queue, an_agent, claim, start, worked_queue

CUSTOMERS = "abcde"
TAKEN = """
select r.queue_id::text || ' ' || (c.data ->> 'customer') as value, r.queue_id, r.agent_id
from runs r join cases c on c.id = r.case_id where r.holds_slot
"""


def of(queue, count=1):
    return [NewCase("x", {"customer": customer}) for customer in CUSTOMERS for _ in range(count)]


def exceeded(db, queue, agent):
    """Which of the caps are exceeded at one moment: 5 in the queue, 3 for the agent over all queues, 2 for each customer."""
    with db.single() as tx:
        rows = tx.sql(TAKEN).all()
    most = {
        "queue": sum(row.queue_id == queue.id for row in rows) - 5,
        "agent": sum(row.agent_id == agent.id for row in rows) - 3,
        "customer": max(Counter(row.value for row in rows if row.queue_id == queue.id).values(), default=0) - 2,
    }
    return {what: over for what, over in most.items() if over > 0}


@pytest.fixture
def scene(committed):
    """Two queues and two agents, one of which works on both, with three limits."""
    queue, agent = worked_queue(committed)
    other, second = a_queue(committed, "other"), an_agent(committed, "second")
    a_consumer(committed, queue, second)
    a_consumer(committed, other, agent)
    limits.put(committed, TEAM, queue=queue.id, concurrency=5)
    limits.put(committed, TEAM, agent=agent.id, concurrency=3)
    limits.put(committed, TEAM, queue=queue.id, key="data.customer", concurrency=2)
    return queue, other, agent


def at_once(count, act):
    """Errors of threads that begin together; each does `act(number)`."""
    barrier, errors = threading.Barrier(count), []

    def guarded(number):
        try:
            barrier.wait()
            act(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return errors


def test_keeps_all_limits_with_eight_ticks_at_once(committed, scene):
    queue, other, agent = scene
    cases.create(committed, queue.id, of(queue, 60))
    cases.create(committed, other.id, of(other, 20))
    over, done = [], []

    def ticks(number):
        ticker, random = Ticker(), Random(number)
        for _ in range(25):
            messages = [
                one for part in dispatch.tick(committed, SETTINGS, ticker, seconds=0.05) for one in part.effects.runs
            ]
            over.append(exceeded(committed, queue, agent))
            for message in messages:
                with committed.begin() as tx:
                    fence = start(committed, message)
                    if random.random() < 0.2:
                        assert transitions.try_again(tx, fence, 0.0, "again", None)
                    else:
                        assert transitions.complete(tx, fence, None)
                done.append(message)

    assert at_once(8, ticks) == []
    assert list(filter(None, over)) == []
    assert len(done) > 40


def test_brings_all_cases_to_an_end_under_limits(committed, scene):
    queue, other, agent = scene
    cases.create(committed, queue.id, of(queue, 12))
    cases.create(committed, other.id, of(other, 4))
    done = []

    def ticks(number):
        ticker = Ticker()
        for _ in range(300):
            for part in dispatch.tick(committed, SETTINGS, ticker, seconds=0.05):
                for message in part.effects.runs:
                    with committed.begin() as tx:
                        assert transitions.complete(tx, start(committed, message), None)
                    done.append(message)
            if len(done) == 80:
                return

    assert at_once(4, ticks) == []
    assert queues.stats(committed, TEAM, queue.id).cases["completed"] == 60
    assert queues.stats(committed, TEAM, other.id).cases["completed"] == 20


def test_counts_what_was_claimed_before_the_line_came(committed):
    """The rival claims for another consumer between this tick's look at the limits and its lock of the line."""
    queue, _ = worked_queue(committed)
    second = an_agent(committed, "second", target=None, kind="pull")
    a_consumer(committed, queue, second)
    limits.put(committed, TEAM, queue=queue.id, concurrency=1)
    cases.create(committed, queue.id, of(queue))
    with committed.begin() as tx:
        tx.sql("select id from limit_lines for update")
        ticks = Rival(lambda: claim(committed))
        wait_until_blocked(committed, ticks)
        pulls = Rival(lambda: pull.claim(committed, TEAM, second.id, "w"))
        wait_until_blocked(committed, pulls, 2)
    assert len(ticks.result()) + (pulls.result() is not None) == 1


def test_a_new_limit_waits_for_claims_and_counts_them(committed):
    queue, _ = worked_queue(committed)
    cases.create(committed, queue.id, of(queue, 2))
    with committed.begin() as tx:
        assert tx.sql("select 1 from consumers for update").all()
        setting = Rival(lambda: limits.put(committed, TEAM, queue=queue.id, concurrency=4).value)
        wait_until_blocked(committed, setting)
    setting.result()
    assert len(claim(committed)) == 4


def test_no_agent_is_connected_past_a_limit_that_comes(committed):
    queue, _ = worked_queue(committed)
    second = an_agent(committed, "second")
    with committed.begin() as tx:
        tx.sql("select 1 from consumers for update")
        setting = Rival(lambda: limits.put(committed, TEAM, queue=queue.id, concurrency=1).value)
        wait_until_blocked(committed, setting)
        connecting = Rival(lambda: a_consumer(committed, queue, second))
        wait_until_blocked(committed, connecting, 2)
    setting.result(), connecting.result()
    cases.create(committed, queue.id, of(queue, 2))
    assert len(claim(committed)) == 1


def test_spends_nothing_on_a_case_that_a_person_holds(committed):
    queue, _ = worked_queue(committed)
    limits.put(committed, TEAM, queue=queue.id, rate=Rate(1, 3600.0))
    (first,) = cases.create(committed, queue.id, of(queue)[:1]).value
    with committed.begin() as tx:
        tx.sql("select 1 from cases where id = %(id)s for update", {"id": first})
        assert Rival(lambda: claim(committed)).result() == []
    assert len(claim(committed)) == 1


def test_a_line_that_is_deleted_meanwhile_lets_nobody_through(committed):
    queue, _ = worked_queue(committed)
    limits.put(committed, TEAM, queue=queue.id, key="data.customer", concurrency=1)
    cases.create(committed, queue.id, [NewCase("x", {"customer": "a"})] * 2)
    ticker = Ticker()
    (message,) = claim(committed, ticker=ticker)
    with committed.begin() as tx:
        assert transitions.complete(tx, start(committed, message), None)

    def clean():
        with committed.begin() as tx:
            tx.sql("delete from limit_lines")

    with committed.begin() as tx:
        tx.sql("update cases set parked = false")
    assert claim(Halted(committed, clean, before="from limit_lines where id = any")) == []
    assert len(claim(committed)) == 1


def test_a_tick_goes_round_no_case_that_a_person_holds_for_ever(committed):
    """It would leave the lanes, if the person did not hold it: the tick ends, and the next one sees to it."""
    queue, _ = worked_queue(committed)
    limits.put(committed, TEAM, queue=queue.id, key="data.customer", concurrency=1)
    first, second = cases.create(committed, queue.id, [NewCase("x", {"customer": "a"})] * 2).value
    with committed.begin() as tx:
        tx.sql("update cases set parked = false")
    with committed.begin() as tx:
        tx.sql("select 1 from cases where id = %(id)s for update", {"id": second})
        ticks = Rival(lambda: len(list(dispatch.tick(committed, SETTINGS, seconds=PATIENCE))))
        assert ticks.result() == 2


def test_deadlocks_nobody_who_connects_agents_and_sets_limits(committed):
    queue, agent = worked_queue(committed)
    cases.create(committed, queue.id, of(queue, 20))

    def act(number):
        for turn in range(15):
            if (number + turn) % 3 == 0:
                limits.put(committed, TEAM, queue=queue.id, agent=agent.id, concurrency=1 + turn % 4)
            elif (number + turn) % 3 == 1:
                queues.set_consumer(committed, TEAM, queue.id, agent.id, trigger=True, concurrency=None)
            else:
                for message in claim(committed):
                    with committed.begin() as tx:
                        transitions.complete(tx, start(committed, message), None)

    assert at_once(6, act) == []


def test_of_two_who_delete_a_limit_one_is_told_that_it_is_gone(committed, scene):
    found = limits.find(committed, TEAM)[0]
    rivals = []

    def act():
        rivals.append(Rival(lambda: limits.delete(committed, TEAM, found.id)))
        wait_until_blocked(committed, rivals[0])

    limits.delete(Halted(committed, act), TEAM, found.id)
    with pytest.raises(NotFound):
        rivals[0].result()
