"""Each failure is a line in the case's history, with its own reason, and a count that outlives the case."""

import pytest

from casework.core.lifecycle import CaseStatus
from casework.core.model import CounterName
from casework.errors import RunLost
from casework.service import cases, queues, release
from casework.service.holding import Holder
from casework.service.run_backend import RunBackend
from casework.service.sweep import sweep
from factories import SETTINGS, TEAM, claim, running, some_cases, start, worked_queue

LEASE, GRACE = SETTINGS.lease_seconds, SETTINGS.interrupt_grace_seconds


def counted(db, queue):
    return {name: count for name, count in queues.stats(db, TEAM, queue.id).counters.items() if count}


def lines(db, case_id):
    return [(event.type, event.reason) for event in cases.get(db, TEAM, case_id)[1]]


def test_counts_nothing_if_nothing_went_wrong(db):
    queue, _ = worked_queue(db)
    assert queues.stats(db, TEAM, queue.id).counters == dict.fromkeys(CounterName, 0)


def test_counts_each_lost_run_and_the_one_that_is_given_up(db, settings, clock):
    queue, _ = worked_queue(db)
    (case_id,) = some_cases(db, queue)
    for _ in range(settings.max_attempts):
        clock.forward(60)
        for message in claim(db):
            start(db, message)
        clock.forward(LEASE)
        sweep(db, settings)
    reasons = [reason for type, reason in lines(db, case_id) if type in ("attempt_failed", "failed")]
    assert reasons == [f"worker w fell silent for {LEASE:g} s"] * (settings.max_attempts - 1) + [
        f"worker w fell silent for {LEASE:g} s, in attempt after attempt"
    ]
    assert counted(db, queue) == {"run_lost": settings.max_attempts}


def test_counts_a_fenced_out_run_whoever_took_its_case(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    cases.settle(db, settings, queue.id, [case_id], CaseStatus.COMPLETED)
    clock.forward(GRACE)
    sweep(db, settings)
    assert lines(db, case_id)[-1] == ("interrupted", f"did not stop within {GRACE:g} s")
    assert counted(db, queue) == {"forced_interrupt": 1}


def test_counts_a_run_that_is_fenced_out_of_a_release(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    queues.release_live_runs(db, settings, TEAM, queue.id)
    clock.forward(GRACE)
    sweep(db, settings)
    assert lines(db, case_id)[-1] == ("released", f"did not stop within {GRACE:g} s")
    assert counted(db, queue) == {"forced_interrupt": 1}


def test_tells_a_fenced_out_run_the_time_that_it_had(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    release.ask_to_release(db, "w", 2.5)
    clock.forward(2.5)
    sweep(db, settings)
    assert lines(db, case_id)[-1] == ("released", "did not stop within 2.5 s")


def test_counts_no_run_that_stops_as_it_was_asked_to(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    queues.release_live_runs(db, settings, TEAM, queue.id)
    release.release_all(db, "w")
    clock.forward(GRACE)
    sweep(db, settings)
    assert lines(db, case_id)[-1] == ("released", "released as asked")
    assert counted(db, queue) == {}


def test_counts_each_message_that_is_resent(db, settings, clock):
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 2)
    claim(db)
    for wait in (settings.resend_seconds, 2 * settings.resend_seconds):
        clock.forward(wait)
        sweep(db, settings)
    assert [lines(db, id)[-2:] for id in ids] == [[("resent", None)] * 2] * 2
    assert counted(db, queue) == {"message_resent": 4}


def refused(db, queue, fence):
    """A late message of a run."""
    desk = RunBackend(db, Holder(fence, queue.id, TEAM, None, 0, 1), lambda effects: None)
    with pytest.raises(RunLost):
        desk.say("text", {"text": "late"}, "1")


def test_counts_each_refused_write(db, settings):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    cases.settle(db, settings, queue.id, [case_id], CaseStatus.COMPLETED)
    for _ in range(2):
        refused(db, queue, fence)
    assert lines(db, case_id)[-2:] == [("write_refused", "a message (text)")] * 2
    assert counted(db, queue) == {"write_refused": 2}


def test_keeps_counts_and_counts_late_writes_of_deleted_cases(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    refused_once, _ = running(db, queue)
    cases.settle(db, settings, queue.id, [refused_once], CaseStatus.COMPLETED)
    clock.forward(GRACE)
    sweep(db, settings)
    cases.delete(db, settings, queue.id, [case_id, refused_once])
    assert counted(db, queue) == {"forced_interrupt": 1}
    refused(db, queue, fence)
    assert counted(db, queue) == {"forced_interrupt": 1, "write_refused": 1}


def test_records_no_late_write_of_a_deleted_queue(db, settings):
    queue, _ = worked_queue(db)
    _, fence = running(db, queue)
    queues.delete(db, settings, TEAM, queue.id)
    refused(db, queue, fence)
    with db.begin() as tx:
        assert tx.sql("select count(*) from counters").scalar_one() == 0
