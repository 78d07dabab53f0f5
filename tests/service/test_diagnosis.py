"""A case, its queue and health give the same reason for the same standstill; a queue that moves has none."""

from datetime import timedelta

import pytest
from standstills import (
    a_silent_pull_agent,
    all_slots_hang,
    behind_a_limit,
    behind_claimed,
    behind_its_former_run,
    behind_runs_that_hang,
    behind_what_was_sent_in_vain,
    claimed,
    claimed_for_a_group_that_nobody_serves,
    diagnosis,
    draining,
    in_a_group_that_nobody_serves,
    its_agents_slots_hang,
    lose_slots,
    paused,
    ready,
    reserved_for_no_consumer,
    see,
    sent_in_vain,
    triggers_off,
    without_consumers,
)

from casework.agents import Complete, Fail
from casework.agents.outcomes import Postpone
from casework.agents.results import Asked, Crashed, Returned
from casework.agents.stop import Suspended
from casework.core.lifecycle import CaseStatus
from casework.core.requests import Placed, Request
from casework.errors import NotFound, Unavailable
from casework.service import agents, cases, queues, runs
from casework.service.diagnosis import health
from casework.service.diagnosis.case import explain
from casework.service.diagnosis.causes import SOON, Reason
from casework.service.diagnosis.queue import diagnose
from factories import (
    SETTINGS,
    TEAM,
    a_consumer,
    an_attempt,
    claim,
    finish,
    running,
    some_cases,
    worked_queue,
)

QUESTION = Suspended(Placed(Request(title="Which one?")))
BOTH = ("ticker", "worker")
STANDSTILLS = [
    (paused, BOTH, Reason.QUEUE_PAUSED),
    (draining, BOTH, Reason.QUEUE_PAUSED),
    (without_consumers, BOTH, Reason.NO_CONSUMER),
    (reserved_for_no_consumer, BOTH, Reason.NO_CONSUMER),
    (triggers_off, BOTH, Reason.TRIGGER_OFF),
    (ready, ["worker"], Reason.NO_TICKER),
    (ready, BOTH, Reason.NEXT_TICK),
    (a_silent_pull_agent, [], Reason.WAITING_FOR_AGENT),
    (all_slots_hang, BOTH, Reason.AT_CONCURRENCY_LIMIT),
    (its_agents_slots_hang, BOTH, Reason.AGENT_AT_LIMIT),
    (claimed, ["ticker"], Reason.NO_WORKER),
    (behind_claimed, ["ticker"], Reason.NO_WORKER),
    (sent_in_vain, BOTH, Reason.WAITING_FOR_WORKER),
    (behind_what_was_sent_in_vain, BOTH, Reason.WAITING_FOR_WORKER),
    (behind_runs_that_hang, BOTH, Reason.WAITING_FOR_WORKER),
    (ready, ["ticker"], Reason.NO_WORKER),
    (in_a_group_that_nobody_serves, BOTH, Reason.NO_WORKER_IN_GROUP),
    (claimed_for_a_group_that_nobody_serves, BOTH, Reason.NO_WORKER_IN_GROUP),
    (behind_its_former_run, BOTH, Reason.OLD_RUN_STOPPING),
    (behind_its_former_run, ["worker"], Reason.OLD_RUN_STOPPING),
    (behind_a_limit, BOTH, Reason.AT_LIMIT),
]


@pytest.mark.parametrize(("stand", "seen", "reason"), STANDSTILLS, ids=lambda value: getattr(value, "__name__", None))
def test_case_and_queue_give_the_same_reason(db, clock, stand, seen, reason):
    case_id = stand(db, clock)
    clock.forward(SOON.total_seconds())
    queue = diagnosis(db, seen=seen)
    case = explain(db, SETTINGS, TEAM, case_id)
    assert (case.code, queue.reason) == (reason, reason)
    detail = queue.message.split(", but ")[-1].split(" have not started: ")[-1]
    assert detail in case.message


@pytest.mark.parametrize(("role", "stand"), [("ticker", ready), ("worker", claimed)])
def test_case_queue_and_health_describe_a_missing_process_alike(db, clock, role, stand):
    case_id = stand(db, clock)
    see(db, role)
    seconds = {"ticker": SETTINGS.lease_seconds, "worker": SETTINGS.worker_silence.total_seconds()}[role] + 1
    clock.forward(seconds)
    with pytest.raises(Unavailable) as unavailable:
        health.role_seen(db, SETTINGS, role)
    missing = f"no {role} seen for {seconds:.0f} s: start `casework up` or `casework {role}`"
    assert str(unavailable.value) == missing
    assert missing in explain(db, SETTINGS, TEAM, case_id).message
    assert missing in diagnose(db, SETTINGS, TEAM)[0].message


@pytest.mark.parametrize("stand", [claimed, behind_claimed])
def test_case_queue_and_health_describe_lost_slots_alike(db, clock, stand):
    case_id = stand(db, clock)
    clock.forward(SOON.total_seconds())
    see(db, *BOTH)
    lose_slots(db)
    with pytest.raises(Unavailable, match="agents that do not look up hold slots: 2 of worker w;") as unavailable:
        health.slots(db, SETTINGS)
    case, queue = explain(db, SETTINGS, TEAM, case_id), diagnose(db, SETTINGS, TEAM)[0]
    assert (case.code, queue.reason) == (Reason.SLOTS_LOST, Reason.SLOTS_LOST)
    assert str(unavailable.value) in case.message
    assert str(unavailable.value) in queue.message


# Cases that are where they should be: nothing is in their way.


def ended(db):
    queue, _ = worked_queue(db)
    (case_id,) = some_cases(db, queue)
    cases.settle(db, SETTINGS, queue.id, [case_id], CaseStatus.COMPLETED)
    return case_id


def after(result):
    def settled(db):
        queue, _ = worked_queue(db)
        (case_id,) = some_cases(db, queue)
        started = an_attempt(db, claim(db)[0])
        finish(db, started, result)
        return case_id

    return settled


def being_worked_on(db):
    return running(db, worked_queue(db)[0])[0]


NO_TROUBLE = {
    Reason.ENDED: ended,
    Reason.WAITING_FOR_ANSWER: after(Asked(QUESTION)),
    Reason.RUNNING: being_worked_on,
    Reason.POSTPONED: after(Returned(Postpone("1h"))),
    Reason.BACKING_OFF: after(Crashed("time-out", None, transient=True)),
}


@pytest.mark.parametrize("reason", NO_TROUBLE)
def test_case_that_needs_no_help_is_not_trouble(db, reason):
    case_id = NO_TROUBLE[reason](db)
    see(db, *BOTH)
    assert explain(db, SETTINGS, TEAM, case_id).code == reason
    assert diagnose(db, SETTINGS, TEAM)[0].reason is None


def test_every_reason_is_in_a_table_above():
    assert {reason for _, _, reason in STANDSTILLS} | set(NO_TROUBLE) | {
        Reason.SLOTS_LOST,
        Reason.NO_ABLE_WORKER,
    } == set(Reason)


# What a case says.


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (Returned(Fail("no such street")), "The case failed at 2026-03-01T12:00:00+00:00: no such street"),
        (Crashed("KeyError: 'zip'", "trace", False), "The case failed at 2026-03-01T12:00:00+00:00: KeyError: 'zip'"),
        (Returned(Complete("routed")), "The case completed at 2026-03-01T12:00:00+00:00: routed"),
        (Returned(Complete()), "The case completed at 2026-03-01T12:00:00+00:00."),
    ],
)
def test_a_case_that_ended_says_why(db, result, message):
    assert explain(db, SETTINGS, TEAM, after(result)(db)).message == message


def test_a_case_that_a_person_stopped_or_settled_says_their_reason(db, settings):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    runs.stop(db, settings, TEAM, fence.run_id, "wrong customer")
    assert explain(db, settings, TEAM, case_id).message.endswith(": wrong customer")
    cases.settle(db, settings, queue.id, [case_id], CaseStatus.COMPLETED, "done by phone")
    assert explain(db, settings, TEAM, case_id).message.endswith(": done by phone")


def test_a_case_names_the_former_run_that_it_waits_for_and_until_when(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, fence = running(db, queue)
    cases.retry(db, settings, queue.id, [case_id])
    told = explain(db, settings, TEAM, case_id)
    assert told.message == f"Its former run {fence.run_id} was asked to stop, and has not stopped yet."
    assert told.until == clock.now + settings.grace


def test_a_claimed_case_is_told_of_its_own_agents_workers(db, clock):
    case_id = claimed_for_a_group_that_nobody_serves(db, clock)
    queue = next(one for one in queues.find(db, TEAM) if one.name == "inbox")
    helper = next(one for one in agents.find(db, TEAM) if one.name == "helper")
    a_consumer(db, queue, helper)
    (own,) = some_cases(db, queue)
    cases.delegate(db, SETTINGS, queue.id, [own], helper.id)
    claim(db)
    see(db, *BOTH)
    assert explain(db, SETTINGS, TEAM, own).code == Reason.WAITING_FOR_WORKER
    assert explain(db, SETTINGS, TEAM, case_id).code == Reason.NO_WORKER_IN_GROUP


def test_a_run_whose_worker_is_silent_is_said_to_be_so(db, clock):
    case_id = being_worked_on(db)
    clock.forward(SETTINGS.lease_seconds / 2 + 1)
    see(db, *BOTH)
    told = explain(db, SETTINGS, TEAM, case_id)
    assert (told.code, told.until) == (Reason.RUNNING, clock.now + timedelta(seconds=SETTINGS.lease_seconds / 2 - 1))
    assert told.message == (
        "It is being worked on, but its worker was last heard of 16 s ago. If it stays silent, the run starts again at "
        "2026-03-01T12:00:30+00:00."
    )


def test_a_case_in_its_turn_says_so(db):
    case_id = ready(db, None)
    see(db, *BOTH)
    told = explain(db, SETTINGS, TEAM, case_id)
    assert told.message == "It is ready, and one of the next ticks claims it in its turn."


def test_a_case_of_another_team_is_not_found(db):
    case_id = ready(db, None)
    with db.begin() as tx:
        tx.sql("insert into teams (id, name) values (gen_random_uuid(), 'others')")
        tx.sql("update queues set team_id = (select id from teams where name = 'others')")
    with pytest.raises(NotFound):
        explain(db, SETTINGS, TEAM, case_id)
