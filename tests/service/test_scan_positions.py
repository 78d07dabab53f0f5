"""A ticker goes on where its last claims ended, and passes nobody over for long."""

from datetime import timedelta

import pytest

from casework.core.model import Priority
from casework.service import cases, dispatch
from casework.service.scan_positions import LATE
from casework.service.ticker import Ticker
from factories import SETTINGS, TEAM, a_consumer, an_agent, claim, some_cases, the_run, worked_queue

SECOND = timedelta(seconds=1)


def ready_since(db, case_id, moment):
    with db.begin() as tx:
        tx.sql("update cases set ready_at = %(moment)s where id = %(id)s", {"moment": moment, "id": case_id})


@pytest.fixture
def trail():
    return Ticker()


def claimed(db, trail, *, sweeping=False):
    """The cases that a tick claims."""
    ticks = list(dispatch.tick(db, SETTINGS, trail, sweeping=sweeping))
    return [the_run(db, message).case_id for done in ticks for message in done.effects.runs]


def test_claims_each_case_once_and_in_order(db, trail, clock):
    queue, _ = worked_queue(db, concurrency=3)
    ids = some_cases(db, queue, 3)
    clock.forward(10)
    assert claimed(db, trail) == ids
    assert trail.positions.positions


def test_claims_a_case_that_is_committed_late_at_once(db, trail, clock):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    claimed(db, trail)
    (late,) = some_cases(db, queue)
    ready_since(db, late, clock.now - LATE + SECOND)
    assert claimed(db, trail) == [late]


def test_claims_a_case_ready_since_long_before_at_the_next_sweep(db, trail, clock):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 2)
    clock.forward(60)
    claimed(db, trail)
    (older,) = some_cases(db, queue)
    ready_since(db, older, clock.now - 100 * SECOND)
    assert claimed(db, trail) == []
    assert claimed(db, trail, sweeping=True) == [older]


def test_looks_at_an_unclaimed_lane_from_its_front(db, trail, clock):
    queue, _ = worked_queue(db)
    some_cases(db, queue, 2)
    clock.forward(60)
    claimed(db, trail)
    (urgent,) = some_cases(db, queue)
    ready_since(db, urgent, clock.now - 100 * SECOND)
    cases.update(db, TEAM, urgent, priority=Priority.HIGH)
    assert claimed(db, trail) == [urgent]


@pytest.mark.parametrize("consumers", [1, 2])
def test_skips_a_case_that_a_person_has_locked_and_goes_on(committed, monkeypatch, consumers):
    monkeypatch.setattr(dispatch, "BATCH", 2)
    queue, _ = worked_queue(committed)
    if consumers == 2:
        a_consumer(committed, queue, an_agent(committed, "second"), concurrency=1)
    ids = some_cases(committed, queue, 5)
    trail = Ticker()
    with committed.begin() as person:
        person.sql("select 1 from cases where id = %(id)s for update", {"id": ids[0]})
        assert sorted(claimed(committed, trail)) == ids[1:]
        assert claimed(committed, trail) == []
    assert claimed(committed, trail, sweeping=True) == ids[:1]


def test_finds_an_agents_first_case_in_a_busy_queue_at_once(db, trail):
    queue, _ = worked_queue(db)
    chosen = an_agent(db, "chosen")
    a_consumer(db, queue, chosen, trigger=False)
    some_cases(db, queue, 3)
    claimed(db, trail)
    (mine,) = some_cases(db, queue)
    cases.delegate(db, SETTINGS, queue.id, [mine], chosen.id)
    assert claimed(db, trail) == [mine]


def test_stops_following_an_empty_queue(db, trail):
    queue, agent = worked_queue(db)
    some_cases(db, queue)
    claimed(db, trail)
    claimed(db, trail)
    assert not trail.backlog


def test_claim_is_never_earlier_than_the_start_of_slot_counting(db, clock):
    """Of two tickers the one with the older moment may come second: what it claims must be counted by the first."""
    queue, _ = worked_queue(db, concurrency=3)
    some_cases(db, queue, 10)
    with db.begin() as tx:
        tx.sql("update consumers set slots_counted_since = %(moment)s", {"moment": clock.now + SECOND})
    assert len(dispatch.claim_round(db).claimed) == 3
    assert claim(db) == []


def test_counts_slots_from_the_oldest_run_that_holds_one(db, clock):
    queue, agent = worked_queue(db, concurrency=3)
    some_cases(db, queue, 10)
    claim(db)
    clock.forward(3600)
    assert claim(db) == []
    assert claim(db) == []
