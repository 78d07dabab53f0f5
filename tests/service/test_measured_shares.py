"""Consumers that compete are charged with what their runs really took."""

from datetime import timedelta

import pytest

from casework.agents import Complete, Fail, Postpone
from casework.agents.results import Crashed, Returned
from casework.core.effects import ANYWHERE
from casework.service import cases, dispatch, queues
from casework.service.ticker import Fleet, Ticker
from casework.store import processes, slot_time, transitions
from casework.store.transitions import Completion
from factories import (
    SETTINGS,
    TEAM,
    a_queue,
    an_agent,
    an_attempt,
    claim,
    finish,
    some_cases,
    start,
    the_run,
    worked_queue,
)
from seams import noting

LONG, UNDER_WAY = timedelta(seconds=1), timedelta(seconds=20)


def with_worker(db, slots):
    with db.begin() as tx:
        processes.seen(tx, "w", "worker", timedelta(hours=1), processes.Report(slots=slots))
    return Ticker("t", Fleet(SETTINGS))


def claimed(db, ticker):
    done = list(dispatch.tick(db, SETTINGS, ticker, news=ANYWHERE, sweeping=False))
    return [message for one in done for message in one.effects.runs]


def two_queues(db, weights, *, one_agent):
    """Two queues, and the consumers' weights."""
    made, agent = [], an_agent(db, "first")
    for weight, name in zip(weights, ("first", "second"), strict=True):
        queue = a_queue(db, name)
        works = agent if one_agent or name == "first" else an_agent(db, name)
        queues.set_consumer(db, TEAM, queue.id, works.id, trigger=True, concurrency=None, weight=weight)
        made.append(queue)
    return made


@pytest.mark.parametrize("one_agent", [True, False])
@pytest.mark.parametrize("lengths", [((0.2,), (0.02, 0.01)), ((0.01,), (0.2,)), ((0.01, 0.2), (0.2,))])
def test_slot_time_follows_weights_whatever_runs_take(db, clock, lengths, one_agent):
    one, three = two_queues(db, (1, 3), one_agent=one_agent)
    ticker = with_worker(db, 1)
    got, nth = {one.id: 0.0, three.id: 0.0}, {one.id: 0, three.id: 0}
    of = dict(zip(got, lengths, strict=True))
    while sum(got.values()) < 8:
        for queue in (one, three):
            some_cases(db, queue, 10 - len(ready(db, queue)))
        for message in claimed(db, ticker):
            queue = the_run(db, message).queue_id
            fence, seconds = start(db, message), of[queue][nth[queue] % len(of[queue])]
            clock.forward(seconds)
            nth[queue], got[queue] = nth[queue] + 1, got[queue] + seconds
            with db.begin() as tx:
                assert transitions.complete(tx, fence, None)
    assert 2.6 < got[three.id] / got[one.id] < 3.4


def ready(db, queue):
    with db.begin() as tx:
        return tx.sql("select id from cases where queue_id = %(queue)s and lane is not null", {"queue": queue.id}).all()


@pytest.mark.parametrize("flooded", [0, 1])
def test_another_queue_gets_the_next_slot_beside_a_flood(db, flooded):
    made = two_queues(db, (1, 1), one_agent=True)
    ticker = with_worker(db, 2)
    some_cases(db, made[flooded], 20)
    running = claimed(db, ticker)
    assert len(running) == 2
    (elsewhere,) = some_cases(db, made[1 - flooded])
    with db.begin() as tx:
        assert transitions.complete(tx, start(db, running[0]), None)
    assert [the_run(db, message).case_id for message in claimed(db, ticker)] == [elsewhere]


def test_nothing_is_asked_about_runs_unless_consumers_compete(db):
    one, other = two_queues(db, (1, 1), one_agent=True)
    noted_db, noted = noting(db)
    ticker = with_worker(noted_db, 1)
    for queues_with_cases, asks in (((one,), 0), ((one, other), 1)):
        for queue in queues_with_cases:
            some_cases(db, queue, 4)
        noted.clear()
        for _ in range(3):
            for message in claimed(noted_db, ticker):
                with db.begin() as tx:
                    assert transitions.complete(tx, start(db, message), None)
        asked = [parameters["runs"] for statement, parameters in noted if "as alone" in statement]
        assert bool(asked) is bool(asks)
        assert all(len(runs) <= 8 for runs in asked)


def slot_times(db, messages):
    """Seconds, and whether the attempt ended, of those of the runs that say so."""
    with db.begin() as tx:
        found = map(slot_time.read, tx.sql(*slot_time.statement(messages, long=LONG, under_way=UNDER_WAY)))
        return {one.message: (one.seconds, one.ended) for one in found}


def test_a_run_counts_from_its_start_to_its_end(db, clock):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    (message,) = claim(db)
    clock.forward(5)
    assert slot_times(db, [message]) == {}
    clock.forward(20)
    assert slot_times(db, [message]) == {message: (None, True)}
    fence = start(db, message)
    clock.forward(0.25)
    assert slot_times(db, [message]) == {message: (0.25, False)}
    with db.begin() as tx:
        assert transitions.complete(tx, fence, None)
    clock.forward(5)
    assert slot_times(db, [message]) == {message: (0.25, True)}


def test_waiting_for_others_of_the_message_is_not_slot_time(db, clock):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 2)
    messages = tuple(claim(db))
    with db.begin() as tx:
        transitions.start_all(tx, messages, "w")
    clock.forward(0.5)
    assert slot_times(db, messages) == {}
    fences = [transitions.Fence(the_run(db, one).case_id, one.run_id, 1) for one in messages]
    with db.begin() as tx:
        transitions.complete_all(
            tx, [Completion(fence, None, 0.5 - 0.2 * nth, 0.3 - 0.2 * nth) for nth, fence in enumerate(fences)]
        )
    assert slot_times(db, messages) == {one: (pytest.approx(0.2), True) for one in messages}


def test_a_run_that_shares_a_message_and_does_not_end_counts(db, clock):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 2)
    messages = tuple(claim(db))
    with db.begin() as tx:
        transitions.start_all(tx, messages, "w")
    clock.forward(1.5)
    assert slot_times(db, messages) == {one: (1.5, False) for one in messages}


@pytest.mark.parametrize(
    ("result", "seconds"),
    [
        (Returned(Complete("done")), 3.0),
        (Returned(Fail("cannot")), 3.0),
        (Returned(Postpone(timedelta(hours=1))), 3.0),
        (Crashed("wants another try", None, True), None),
    ],
)
def test_whatever_ends_an_attempt_ends_its_slot_time(db, clock, result, seconds):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    (message,) = claim(db)
    started = an_attempt(db, message)
    clock.forward(3)
    finish(db, started, result)
    assert slot_times(db, [message]) == {message: (seconds, True)}


def test_a_run_that_is_gone_took_an_unknown_time(db):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    (message,) = claim(db)
    cases.clear(db, SETTINGS, TEAM, queue.id)
    with db.begin() as tx:
        tx.sql("delete from runs where id = %(id)s", {"id": message.run_id})
    assert slot_times(db, [message]) == {message: (None, True)}
