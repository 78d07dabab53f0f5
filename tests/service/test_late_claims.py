"""Ticks claim what workers can begin, and little ahead of that."""

from datetime import UTC, datetime, timedelta

import pytest

from casework.core.effects import ANYWHERE, News
from casework.core.model import DISPATCHED_KINDS, Priority
from casework.service import cases, dispatch, queues
from casework.service.ticker import Fleet, Ticker
from casework.store import consumers, processes, transitions
from factories import SETTINGS, TEAM, a_consumer, a_queue, an_agent, some_cases, start, the_run, worked_queue
from seams import noting

NOTHING = News()
LATER = datetime(2100, 1, 1, tzinfo=UTC)
"""No case was set aside until then and has become ready."""


@pytest.fixture
def ticker():
    return Ticker("t", Fleet(SETTINGS))


def report(db, id="w", **values):
    with db.begin() as tx:
        processes.seen(tx, id, "worker", timedelta(seconds=30), processes.Report(**{"slots": 4, **values}))


def complete(db, fence):
    with db.begin() as tx:
        assert transitions.complete(tx, fence, None)


def claimed(db, ticker, news=ANYWHERE):
    """The messages of a tick, with the group of workers that each is for."""
    done = list(dispatch.tick(db, SETTINGS, ticker, news=news, sweeping=False))
    return [(message, parcel.group) for one in done for parcel in one.effects.parcels for message in parcel.runs]


def test_nothing_is_claimed_without_a_worker_and_at_once_when_one_comes(db, ticker):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 3)
    assert claimed(db, ticker) == []
    report(db)
    assert len(claimed(db, ticker)) == 3


def test_runs_of_unknown_length_are_claimed_for_free_slots_only(db, ticker):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 9)
    report(db)
    first = claimed(db, ticker)
    assert len(first) == 4
    assert claimed(db, ticker) == []
    complete(db, start(db, first[0][0]))
    assert len(claimed(db, ticker)) == 1


def test_an_urgent_case_and_another_queue_come_next(db, ticker):
    flooded, agent = worked_queue(db)
    other = a_queue(db, "other")
    a_consumer(db, other, agent)
    some_cases(db, flooded, 50)
    report(db, slots=2)
    running = [message for message, _ in claimed(db, ticker)]
    (urgent,) = some_cases(db, flooded, 1, priority=Priority.HIGH)
    (elsewhere,) = some_cases(db, other)
    for message in running:
        complete(db, start(db, message))
    assert {the_run(db, message).case_id for message, _ in claimed(db, ticker)} == {urgent, elsewhere}


def test_a_worker_that_fell_silent_begins_nothing(db, clock, ticker):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    report(db)
    clock.forward(1.6 * SETTINGS.heartbeat)
    assert claimed(db, ticker) == []


def test_a_worker_that_is_ending_begins_nothing(db, ticker):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    report(db, slots=0)
    assert claimed(db, ticker) == []


def test_a_group_serves_its_agents_and_no_others(db, ticker):
    queue = a_queue(db)
    a_consumer(db, queue, an_agent(db, "special", group="gpu"))
    some_cases(db, queue, 2)
    report(db)
    assert claimed(db, ticker) == []
    report(db, "special", slots=1, group="gpu")
    assert [group for _, group in claimed(db, ticker)] == ["gpu"]


def test_a_nudge_about_a_queue_looks_at_that_queue_alone(db, ticker):
    first, agent = worked_queue(db)
    second = a_queue(db, "second")
    a_consumer(db, second, agent)
    some_cases(db, first)
    (wanted,) = some_cases(db, second)
    report(db)
    ((message, _),) = claimed(db, ticker, News(frozenset({second.id})))
    assert the_run(db, message).case_id == wanted
    assert claimed(db, ticker, NOTHING) == []
    assert len(claimed(db, ticker, News(freed=True))) == 1


def test_a_look_around_goes_on_where_the_last_one_ended(db):
    agent = an_agent(db)
    made = [a_queue(db, f"queue {number}") for number in range(3)]
    for queue in made:
        a_consumer(db, queue, agent)
        some_cases(db, queue)
    found, after = [], consumers.FIRST_LANE
    for _ in range(4):
        with db.single() as tx:
            seen = consumers.look_around(tx, DISPATCHED_KINDS, since=LATER, after=after, most=1)
        found.append([queue for queue, _ in seen.pairs])
        after = seen.next
    assert sorted(id for ids in found for id in ids) == sorted(queue.id for queue in made)
    assert (found[3], after) == ([], consumers.FIRST_LANE)


def test_what_was_set_aside_is_found_when_its_time_has_come(db, clock, ticker):
    queue, _ = worked_queue(db)
    (case_id,) = some_cases(db, queue)
    cases.postpone(db, SETTINGS, queue.id, [case_id], clock.now + timedelta(hours=1))
    report(db)
    assert claimed(db, ticker) == []
    clock.forward(3601)
    report(db)
    assert len(claimed(db, ticker)) == 1


def test_a_paused_queue_is_not_remembered(db, ticker):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    queues.set_mode(db, TEAM, queue.id, queues.QueueMode.PAUSED)
    report(db)
    assert claimed(db, ticker) == []
    assert not ticker.backlog


def test_a_nudge_without_a_queue_finds_its_case_behind_many_lanes(db, clock, ticker):
    agent = an_agent(db)
    for number in range(consumers.MOST_LANES + 5):
        queue = a_queue(db, f"queue {number:03}")
        a_consumer(db, queue, agent)
        (case_id,) = some_cases(db, queue)
        cases.postpone(db, SETTINGS, queue.id, [case_id], clock.now + timedelta(days=1))
    (last,) = some_cases(db, queue)
    report(db)
    assert [the_run(db, message).case_id for message, _ in claimed(db, ticker)] == [last]


@pytest.mark.parametrize("count", [1, 3])
def test_a_nudged_tick_that_serves_all_that_wait_looks_only_once(db, ticker, count):
    busy = [a_queue(db, f"queue {number}") for number in range(count)]
    agent = an_agent(db)
    for queue in busy:
        a_consumer(db, queue, agent)
        some_cases(db, queue)
    report(db)
    watched, noted = noting(db)
    assert len(claimed(watched, ticker, News(frozenset(queue.id for queue in busy)))) == count
    assert len([statement for statement, _ in noted if "for update of c skip locked" in statement]) == 1
