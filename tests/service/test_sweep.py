"""What got stuck goes on; what lives is left alone."""

import pytest

from casework.agents.stop import Suspended
from casework.core.effects import RunMessage
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.requests import Placed, Request
from casework.service import cases, queues, release, requests
from casework.service.execution import outcomes
from casework.service.sweep import sweep
from casework.service.ticker import Ticker
from casework.store import runs, transitions
from casework.store.stuck import Lookout, Stuck
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

LEASE = SETTINGS.lease_seconds


def test_resumes_a_silent_run_within_the_lease(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    clock.forward(LEASE - 0.1)
    assert sweep(db, settings).value.total() == 0
    clock.forward(0.1)
    assert sweep(db, settings).value == {Stuck.LOST: 1, Stuck.UNSENT: 0}
    (again,) = claim(db)
    assert again == RunMessage(fence.run_id, 2)
    assert work(db, again) == "completed"
    assert history(db, case_id) == ["created", "claimed", "attempt_failed", "resumed", "completed"]


def test_leaves_a_run_alone_while_its_heartbeats_come(db, settings, clock):
    queue, _ = worked_queue(db)
    _, fence = running(db, queue)
    for _ in range(50):
        clock.forward(LEASE * 0.9)
        with db.begin() as tx:
            assert runs.heartbeat(tx, [RunMessage(fence.run_id, 1)]) == {fence.run_id: False}
        assert sweep(db, settings).value.total() == 0


def test_saves_a_run_whose_heartbeat_comes_during_the_sweep(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    clock.forward(LEASE + 1)
    with db.begin() as tx:
        assert Lookout().found(0, tx.sql(*Lookout().looking(0, lease=LEASE, resend=15, timeout=0.0)))
        runs.heartbeat(tx, [RunMessage(fence.run_id, 1)])
        assert not runs.lock_if_silent(tx, fence, tx.now, LEASE)


def test_waits_for_the_lease_not_the_grace_of_a_dead_worker(db, settings, clock):
    assert settings.interrupt_grace_seconds < LEASE
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    clock.forward(LEASE - 1)
    cases.retry(db, settings, queue.id, [case_id])
    assert sweep(db, settings).value.total() == 0
    clock.forward(1)
    assert sweep(db, settings).value == {Stuck.LOST: 1, Stuck.UNSENT: 0}
    (again,) = claim(db)
    assert work(db, again) == "completed"
    last = cases.get(db, TEAM, case_id)[1][3]
    assert (last.type, last.reason) == ("interrupted", f"worker w fell silent for {LEASE:g} s")


def test_tells_a_late_heartbeat_that_its_run_was_given_away(db, settings, clock):
    queue, _ = worked_queue(db)
    _, fence = running(db, queue)
    clock.forward(LEASE + 1)
    sweep(db, settings)
    with db.begin() as tx:
        assert runs.heartbeat(tx, [RunMessage(fence.run_id, 1)]) == {}


def test_fails_a_run_that_always_loses_its_worker(db, settings, clock):
    queue, _ = worked_queue(db)
    (case_id,) = some_cases(db, queue)
    for _ in range(settings.max_attempts):
        clock.forward(60)
        for message in claim(db):
            start(db, message)
        clock.forward(LEASE + 1)
        sweep(db, settings)
    assert the_case(db, case_id).status is CaseStatus.FAILED
    assert "fell silent" in cases.get(db, TEAM, case_id)[1][-1].reason


def test_counts_silence_only_while_a_ticker_listened(db, settings, clock):
    """The database was away for longer than the lease; the heartbeats come back with it."""
    queue, _ = worked_queue(db)
    running(db, queue)
    ticker = Ticker("t")
    sweep(db, settings, ticker)
    clock.forward(LEASE * 3)
    assert sweep(db, settings, ticker).value[Stuck.LOST] == 0
    lost = []
    for _ in range(20):
        clock.forward(settings.tick_seconds)
        lost.append(sweep(db, settings, ticker).value[Stuck.LOST])
    assert lost == [0] * 17 + [1, 0, 0]
    assert the_run_of(db, queue) is RunStatus.WAITING


def the_run_of(db, queue):
    from casework.service import runs as service

    return service.find(db, TEAM, queue_id=queue.id, limit=1)[0].status


def test_fences_out_a_run_whose_stop_is_overdue(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    cases.retry(db, settings, queue.id, [case_id])
    clock.forward(settings.interrupt_grace_seconds - 0.1)
    assert sweep(db, settings).value[Stuck.OVERDUE] == 0
    assert claim(db) == []
    clock.forward(0.1)
    assert sweep(db, settings).value[Stuck.OVERDUE] == 1
    assert the_run(db, RunMessage(fence.run_id, 1)).status is RunStatus.INTERRUPTED
    (again,) = claim(db)
    assert again.run_id != fence.run_id


@pytest.mark.parametrize("sends", [1, 2, 3])
def test_resends_a_lost_message_after_twice_the_wait(db, settings, clock, sends):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    (message,) = claim(db)
    for number in range(sends):
        wait = settings.resend_seconds * 2**number
        clock.forward(wait - 0.1)
        assert sweep(db, settings).effects.runs == ()
        clock.forward(0.1)
        assert sweep(db, settings).effects.runs == (message,)
    assert work(db, message) == "completed"


def test_releases_a_drained_run_and_resumes_it_where_it_was(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    (unstarted,) = some_cases(db, queue)
    claim(db)
    queues.set_mode(db, TEAM, queue.id, queues.QueueMode.PAUSED)
    done = queues.release_live_runs(db, settings, TEAM, queue.id)
    assert done.value == 2
    assert done.effects.stops == (fence.run_id,)
    assert the_case(db, unstarted).status is CaseStatus.PENDING
    clock.forward(settings.interrupt_grace_seconds)
    sweep(db, settings)
    assert the_case(db, case_id).status is CaseStatus.PENDING
    assert claim(db) == []
    queues.set_mode(db, TEAM, queue.id, queues.QueueMode.ACTIVE)
    assert sorted(work(db, message) for message in claim(db)) == ["completed", "completed"]


@pytest.mark.parametrize("how", ["transient", "asks", "lost"])
def test_forgets_a_request_to_release_with_its_attempt(db, settings, clock, how):
    queue, _ = worked_queue(db)
    _, fence = running(db, queue)
    release.ask_to_release(db, "w", 40.0 if how == "lost" else 10.0)
    if how == "lost":
        clock.forward(LEASE + 1)
        sweep(db, settings)
    elif how == "transient":
        with db.begin() as tx:
            transitions.try_again(tx, fence, 1.0, "away", None)
    else:
        with db.begin() as tx:
            outcomes.ask(tx, fence, Suspended(Placed(Request(title="q"))))
        requests.answer(db, TEAM, requests.find(db, TEAM)[0].id, "yes")
    clock.forward(12)
    (message,) = claim(db)
    start(db, message, "another worker")
    with db.begin() as tx:
        assert runs.heartbeat(tx, [message]) == {message.run_id: False}
    assert sweep(db, settings).value.total() == 0


@pytest.mark.parametrize(
    ("own", "general", "limit"), [(None, 0.0, None), (None, 60.0, 60), (90.0, 60.0, 90), (90.0, 0.0, 90)]
)
def test_fails_the_case_of_a_run_over_its_time_limit(db, clock, own, general, limit):
    settings = SETTINGS.model_copy(update={"run_timeout_seconds": general, "lease_seconds": 3600.0})
    queue = a_queue(db)
    a_consumer(db, queue, an_agent(db, timeout_seconds=own))
    case_id, fence = running(db, queue)
    clock.forward((limit or 1000) - 1)
    assert sweep(db, settings).value.total() == 0
    clock.forward(1)
    done = sweep(db, settings)
    if limit is None:
        assert done.value.total() == 0
        return
    assert +done.value == {Stuck.TIMED_OUT: 1}
    assert done.effects.stops == (fence.run_id,)
    assert the_case(db, case_id).status is CaseStatus.FAILED
    event = cases.get(db, TEAM, case_id)[1][-1]
    assert (event.type, event.reason) == ("stopped", f"ran longer than its limit of {limit} s")
    assert sweep(db, settings).value.total() == 0
    clock.forward(SETTINGS.interrupt_grace_seconds)
    assert +sweep(db, settings).value == {Stuck.OVERDUE: 1}


def test_doubles_the_wait_of_a_message_only_to_a_limit(db, clock):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    claim(db)
    waits = []
    for _ in range(8):
        before = clock.now
        while not sweep(db, SETTINGS).value[Stuck.UNSENT]:
            clock.forward(15)
        waits.append((clock.now - before).total_seconds())
    assert waits == [15, 30, 60, 120, 240, 240, 240, 240]
