"""Ticks at a case that somebody else is at: a tick never waits, and claims nothing that it should not."""

from dataclasses import replace
from threading import Event

import pytest
from acts import (
    answer,
    delegate,
    delegate_to_other,
    delete,
    disconnect,
    give_back,
    pause,
    pull_one,
    retry,
    settle,
    sweep,
    tick,
)
from invariants import broken
from meeting import CLAIM, LOCK, Met, meetings
from scenes import answered, asked, for_pull, overdue, pending, postponed, retried, shared, silent
from waiting import PATIENCE, Halted, Rival, wait_until_blocked

from casework.service import queues
from factories import TEAM, some_cases


@meetings(
    Met(pending, tick, tick, "claims 1, at once claims 0: claimed, pending; claimed"),
    Met(pending, tick, tick, "claims 1, at once claims 0: claimed, pending; claimed", before=CLAIM),
    Met(answered, tick, tick, "claims 1, at once claims 0: claimed, pending; resumed"),
    Met(answered, tick, tick, "claims 1, at once claims 0: claimed, pending; resumed", before=CLAIM),
)
def test_skips_cases_that_another_tick_is_claiming(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(pending, tick, retry, "claims 1, then moved: pending, interrupted; claimed retried"),
    Met(pending, tick, delegate, "claims 1, then moved: pending, interrupted; claimed delegated"),
    Met(pending, tick, delegate, "claims 1, then moved: pending, interrupted; claimed delegated", before=CLAIM),
    Met(pending, tick, settle, "claims 1, then moved: failed, interrupted; claimed settled"),
    Met(pending, tick, delete, "claims 1, then moved: gone, interrupted"),
    Met(postponed, tick, retry, "claims 1, then moved: pending, completed interrupted; claimed retried"),
    Met(answered, tick, settle, "claims 1, then moved: failed, interrupted; resumed settled"),
    Met(answered, tick, delete, "claims 1, then moved: gone, interrupted"),
    Met(answered, tick, answer, "claims 1, at once AlreadyAnswered: claimed, pending; resumed"),
)
def test_lets_a_person_take_a_case_from_its_claim(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(pending, delegate, tick, "moved, at once claims 0: pending; delegated"),
    Met(pending, delegate_to_other, tick, "moved, at once claims 0: pending; delegated"),
    Met(pending, settle, tick, "moved, at once claims 0: failed; settled"),
    Met(pending, delete, tick, "moved, at once claims 0: gone"),
    Met(postponed, retry, tick, "moved, at once claims 0: pending, completed; retried"),
    Met(asked, answer, tick, "answered, at once claims 0: pending, waiting; input_received"),
    Met(retried, give_back, tick, "interrupted, at once claims 0: pending, interrupted; interrupted"),
    Met(overdue, sweep, tick, "sweeps 1, at once claims 0: pending, interrupted; interrupted"),
    Met(silent, sweep, tick, "sweeps 1, at once claims 0: pending, waiting; attempt_failed"),
)
def test_leaves_a_persons_case_to_the_next_tick(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(shared, tick, delegate_to_other, "claims 0, at once moved: pending; delegated", before=CLAIM),
    Met(shared, tick, settle, "claims 0, at once moved: failed; settled", before=CLAIM),
    Met(shared, tick, delete, "claims 0, at once moved: gone", before=CLAIM),
    Met(shared, tick, pause, "claims 1, then paused: claimed, pending; claimed", before=CLAIM),
)
def test_claims_no_planned_case_that_a_person_took_since(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(pending, tick, delegate_to_other, "claims 0, at once moved: pending; delegated", before=CLAIM),
    Met(pending, tick, settle, "claims 0, at once moved: failed; settled", before=CLAIM),
    Met(pending, tick, delete, "claims 0, at once moved: gone", before=CLAIM),
    Met(postponed, tick, retry, "claims 0, at once moved: pending, completed; retried", before=CLAIM),
    Met(answered, tick, delegate_to_other, "claims 0, at once moved: pending, interrupted; delegated", before=CLAIM),
    Met(answered, tick, settle, "claims 0, at once moved: failed, interrupted; settled", before=CLAIM),
)
def test_claims_no_case_that_a_person_takes_after_the_consumers_lock(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(pending, tick, pause, "claims 1, then paused: claimed, pending; claimed"),
    Met(pending, tick, pause, "claims 1, then paused: claimed, pending; claimed", before=CLAIM),
    Met(pending, tick, pause, "claims 0, at once paused: pending", before=LOCK),
    Met(pending, pause, tick, "paused, at once claims 0: pending"),
)
def test_pauses_after_the_claims_under_way_and_before_any_other(committed, meeting):
    meeting.check(committed)


@meetings(
    Met(for_pull, pull_one, pull_one, "got it, at once got none: claimed, running; claimed"),
    Met(for_pull, pull_one, pull_one, "got it, at once got none: claimed, running; claimed", before=CLAIM),
    Met(for_pull, pull_one, retry, "got it, then moved: pending, running!; claimed retried"),
    Met(for_pull, pull_one, disconnect, "got it, then interrupts 1: pending, running!; claimed retried"),
    Met(for_pull, disconnect, pull_one, "interrupts 0, at once got none: pending"),
    Met(for_pull, pull_one, delete, "got none, at once moved: gone", before=CLAIM),
    Met(for_pull, pull_one, pause, "got none, at once paused: pending", before=LOCK),
)
def test_serves_a_program_elsewhere_by_the_rules_of_a_tick(committed, meeting):
    meeting.check(committed)


@pytest.mark.parametrize("act", [delegate_to_other, settle], ids=lambda act: act.__name__)
def test_claim_sees_a_change_that_a_person_committed_after_the_probe(committed, act):
    """The case is ready since before the tick began: its time alone would not keep the tick from it."""
    scene = shared(committed)
    looked, done, ticks = Event(), Event(), []

    def wait_for_the_person():
        looked.set()
        assert done.wait(PATIENCE)

    def begin_a_tick():
        halted = replace(scene, db=Halted(committed, wait_for_the_person, before=CLAIM))
        ticks.append(Rival(lambda: tick(halted)))
        assert looked.wait(PATIENCE)

    assert act(replace(scene, db=Halted(committed, begin_a_tick))) == "moved"
    done.set()
    assert ticks[0].result() == "claims 0"
    assert broken(committed) == {}


# A claim waits at its first case, and only there.
_WAIT_AT_A_CLAIM = (
    "create function wait_for_the_person() returns trigger language plpgsql as "
    "'begin perform pg_advisory_xact_lock(1); return new; end'",
    "create trigger waits before update on cases for each row when (new.status = 'claimed') execute function wait_for_the_person()",
)


@pytest.mark.parametrize("act", [delegate_to_other, settle, delete], ids=lambda act: act.__name__)
@pytest.mark.parametrize("begin", [pending, shared], ids=lambda begin: begin.__name__)
def test_claims_no_case_that_a_person_takes_during_the_statement(committed, begin, act):
    """The statement has picked both cases by then, of a moment before the person's."""
    scene = begin(committed)
    queues.set_consumer(committed, TEAM, scene.queue.id, scene.agent.id, trigger=True, concurrency=2)
    (second,) = some_cases(committed, scene.queue)
    with committed.begin() as tx:
        for statement in _WAIT_AT_A_CLAIM:
            tx.sql(statement)
    try:
        with committed.begin() as gate:
            gate.sql("select pg_advisory_xact_lock(1)")
            ticks = Rival(lambda: tick(scene))
            wait_until_blocked(committed, ticks)
            assert act(replace(scene, cases=[second])) == "moved"
        assert ticks.result() == "claims 1"
    finally:
        with committed.begin() as tx:
            tx.sql("drop function wait_for_the_person cascade")
    assert broken(committed) == {}
    assert tick(scene) == ("claims 1" if act is delegate_to_other else "claims 0")
