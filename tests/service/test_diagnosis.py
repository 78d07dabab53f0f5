"""A case, its queue and health give the same reason for the same standstill; a queue that moves has none."""

from datetime import timedelta

import pytest

from casework.agents import Complete, Fail
from casework.agents.outcomes import Postpone
from casework.agents.results import Asked, Crashed, Returned
from casework.agents.stop import Suspended
from casework.core.lifecycle import CaseStatus
from casework.core.model import AgentKind, RequestKind
from casework.errors import NotFound, Unavailable
from casework.service import agents, cases, pull, queues, runs
from casework.service.diagnosis import health
from casework.service.diagnosis.case import explain
from casework.service.diagnosis.causes import HANGS, SOON, Reason
from casework.service.diagnosis.queue import diagnose
from casework.service.sweep import sweep
from casework.store import processes, transitions
from factories import (
    SETTINGS,
    TEAM,
    a_consumer,
    a_queue,
    an_agent,
    an_attempt,
    claim,
    finish,
    running,
    some_cases,
    start,
    worked_queue,
)

QUESTION = Suspended(RequestKind.QUESTION, "Which one?", None, ())
FEW = SETTINGS.model_copy(update={"outstanding_runs": 2})


def see(db, *roles):
    """Let processes of these roles, and no others, have been seen just now."""
    with db.begin() as tx:
        tx.sql("delete from processes")
        for role in roles:
            processes.seen(tx, role, role, timedelta(seconds=30))


def diagnosis(db, settings=SETTINGS, name="inbox", seen=("ticker", "worker")):
    see(db, *seen)
    return next(one for one in diagnose(db, settings, TEAM) if one.queue.name == name)


def trouble(db, *args, **options):
    """What is said of the queue while processes of these roles work."""
    return diagnosis(db, *args, **options).message


def a_pull_agent(db, queue, **options):
    agent = agents.create(db, SETTINGS, TEAM, "remote", kind=AgentKind.PULL)
    a_consumer(db, queue, agent, **options)
    return agent


# Standstills: each makes a queue stand still, and returns a case that stands still with it.


def paused(db, clock):
    queue, _ = worked_queue(db)
    queues.set_mode(db, TEAM, queue.id, queues.QueueMode.PAUSED)
    return some_cases(db, queue)[0]


def draining(db, clock):
    queue, _ = worked_queue(db)
    queues.set_mode(db, TEAM, queue.id, queues.QueueMode.DRAINING)
    return some_cases(db, queue)[0]


def without_consumers(db, clock):
    return some_cases(db, a_queue(db))[0]


def reserved_for_no_consumer(db, clock):
    queue, agent = worked_queue(db)
    a_consumer(db, queue, an_agent(db, "other"))
    (case_id,) = some_cases(db, queue)
    cases.delegate(db, SETTINGS, queue.id, [case_id], agent.id)
    with db.begin() as tx:
        tx.sql("delete from consumers where agent_id = %(id)s", {"id": agent.id})
    return case_id


def triggers_off(db, clock):
    queue = a_queue(db)
    a_consumer(db, queue, an_agent(db), trigger=False)
    return some_cases(db, queue)[0]


def ready(db, clock):
    queue, _ = worked_queue(db)
    return some_cases(db, queue)[0]


def a_silent_pull_agent(db, clock):
    queue = a_queue(db)
    a_pull_agent(db, queue)
    return some_cases(db, queue)[0]


def all_slots_hang(db, clock):
    queue, _ = worked_queue(db, concurrency=1)
    running(db, queue)
    clock.forward(HANGS.total_seconds())
    return some_cases(db, queue)[0]


def its_agents_slots_hang(db, clock):
    queue, agent = worked_queue(db, concurrency=1)
    running(db, queue)
    clock.forward(HANGS.total_seconds())
    (case_id,) = some_cases(db, queue)
    cases.delegate(db, SETTINGS, queue.id, [case_id], agent.id)
    return case_id


def claimed(db, clock):
    queue, _ = worked_queue(db)
    (case_id,) = some_cases(db, queue)
    claim(db)
    return case_id


def behind_claimed(db, clock):
    queue, _ = worked_queue(db, concurrency=1)
    cases = some_cases(db, queue, 2)
    claim(db)
    return cases[1]


def sent_in_vain(db, clock):
    case_id = claimed(db, clock)
    with db.begin() as tx:
        tx.sql("update runs set send_count = 3")
    return case_id


def behind_what_was_sent_in_vain(db, clock):
    case_id = behind_claimed(db, clock)
    with db.begin() as tx:
        tx.sql("update runs set send_count = 3")
    return case_id


def behind_runs_that_hang(db, clock):
    """A consumer without a limit: its outstanding runs are what it is full of."""
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 9)
    start(db, claim(db, FEW)[0])
    start(db, claim(db, FEW)[0])
    claim(db, FEW)
    clock.forward(HANGS.total_seconds())
    return ids[-1]


def behind_its_former_run(db, clock):
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    cases.retry(db, SETTINGS, queue.id, [case_id])
    clock.forward(SETTINGS.interrupt_grace_seconds)
    return case_id


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
    (behind_its_former_run, BOTH, Reason.OLD_RUN_STOPPING),
    (behind_its_former_run, ["worker"], Reason.OLD_RUN_STOPPING),
]


@pytest.mark.parametrize(("stand", "seen", "reason"), STANDSTILLS, ids=lambda value: getattr(value, "__name__", None))
def test_case_and_queue_give_the_same_reason(db, clock, stand, seen, reason):
    case_id = stand(db, clock)
    clock.forward(SOON.total_seconds())
    queue = diagnosis(db, FEW, seen=seen)
    case = explain(db, FEW, TEAM, case_id)
    assert (case.code, queue.reason) == (reason, reason)
    detail = queue.message.split(", but ")[-1].split(" have not started: ")[-1]
    assert detail in case.message


@pytest.mark.parametrize(("role", "stand"), [("ticker", ready), ("worker", claimed)])
def test_case_queue_and_health_describe_a_missing_process_alike(db, clock, role, stand):
    case_id = stand(db, clock)
    see(db, role)
    clock.forward(SETTINGS.lease_seconds + 1)
    with pytest.raises(Unavailable) as unavailable:
        health.role_seen(db, SETTINGS, role)
    missing = f"no {role} seen for {SETTINGS.lease_seconds + 1:.0f} s: start `casework up` or `casework {role}`"
    assert str(unavailable.value) == missing
    assert missing in explain(db, SETTINGS, TEAM, case_id).message
    assert missing in diagnose(db, SETTINGS, TEAM)[0].message


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
    assert {reason for _, _, reason in STANDSTILLS} | set(NO_TROUBLE) == set(Reason)


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


# What a queue says.


def test_a_queue_is_in_trouble_once_its_cases_have_waited_for_long(db, clock):
    queue, _ = worked_queue(db)
    assert trouble(db) is None
    some_cases(db, queue)
    clock.forward(9)
    assert trouble(db) is None
    clock.forward(1)
    assert trouble(db) == (
        "cases have been ready for 10 s, but no tick claims anything for worker, although there is room"
    )


def test_a_queue_with_a_backlog_moves_while_its_cases_are_claimed(db, clock):
    queue, _ = worked_queue(db, concurrency=1)
    some_cases(db, queue, 3)
    clock.forward(60)
    with db.begin() as tx:
        transitions.complete(tx, start(db, claim(db)[0]), None)
    assert trouble(db) is None


def test_commands_can_be_pasted_whatever_the_queue_is_called(db, clock):
    some_cases(db, a_queue(db, "front desk"))
    clock.forward(10)
    assert trouble(db, name="front desk").endswith(
        "the queue has no consumers: `casework consumers set 'front desk' AGENT`"
    )


def test_draining_does_not_hold_up_a_resumed_run(db, clock):
    queue, _ = worked_queue(db)
    _, fence = running(db, queue)
    with db.begin() as tx:
        transitions.release(tx, fence, "x")
    queues.set_mode(db, TEAM, queue.id, queues.QueueMode.DRAINING)
    clock.forward(10)
    assert "no ticker" in trouble(db, seen=())


def test_delegated_cases_need_no_trigger_but_their_consumer(db, settings, clock):
    queue, _ = worked_queue(db)
    off = an_agent(db, "off")
    a_consumer(db, queue, off, trigger=False)
    cases.delegate(db, settings, queue.id, some_cases(db, queue), off.id)
    clock.forward(10)
    assert "no tick claims anything for off" in trouble(db)
    with db.begin() as tx:
        tx.sql("delete from consumers where agent_id = %(id)s", {"id": off.id})
    assert "reserved for off, which is not a consumer of the queue: `casework consumers set inbox off`" in trouble(db)
    with db.begin() as tx:
        tx.sql("update cases set assigned_agent_id = gen_random_uuid()")
    assert "reserved for an agent that was deleted" in trouble(db)


def test_a_pull_agent_that_works_on_one_case_after_the_other_moves(db, clock):
    queue = a_queue(db)
    agent = a_pull_agent(db, queue)
    some_cases(db, queue, 3)
    assert pull.claim(db, SETTINGS, TEAM, agent.id, "w") is not None
    clock.forward(HANGS.total_seconds() - 1)
    assert trouble(db) is None
    clock.forward(1)
    assert "remote has room, and does not ask for work" in trouble(db)


def test_consumers_at_their_limit_move_while_slots_change_hands(db, clock):
    queue, _ = worked_queue(db, concurrency=1)
    some_cases(db, queue, 3)
    fence = start(db, claim(db)[0])
    clock.forward(HANGS.total_seconds() - 1)
    assert trouble(db) is None
    with db.begin() as tx:
        transitions.complete(tx, fence, None)
    start(db, claim(db)[0])
    clock.forward(HANGS.total_seconds() - 1)
    assert trouble(db) is None
    clock.forward(1)
    assert "all slots of worker are in use, and none was taken for 300 s: `casework runs list" in trouble(db)


def test_a_consumer_without_a_limit_is_full_too(db, clock):
    queue, _ = worked_queue(db)
    ids = some_cases(db, queue, 9)
    start(db, claim(db, FEW)[0])
    start(db, claim(db, FEW)[0])
    claim(db, FEW)
    clock.forward(20)
    assert trouble(db, FEW) is None
    assert explain(db, FEW, TEAM, ids[-1]).code == Reason.WAITING_FOR_WORKER
    clock.forward(HANGS.total_seconds())
    assert "have not started: the runs that workers execute hang" in trouble(db, FEW)


def test_runs_that_do_not_start_for_want_of_a_worker(db, clock):
    claimed(db, clock)
    clock.forward(9)
    assert trouble(db, seen=["ticker"]) is None
    clock.forward(1)
    assert "runs were claimed 10 s ago and have not started: no worker was ever seen" in trouble(db, seen=["ticker"])


def test_messages_that_do_not_arrive_are_trouble_when_sent_three_times(db, settings, clock):
    claimed(db, clock)
    for sends in (2, 3):
        assert trouble(db) is None
        clock.forward(settings.resend_seconds * 2 ** (sends - 2))
        sweep(db, settings)
    assert trouble(db).endswith("were sent 3 times: do the workers and the broker see each other?")


def test_workers_that_are_busy_with_other_queues(db, clock):
    busy = a_queue(db, "busy")
    queue, agent = worked_queue(db)
    a_consumer(db, busy, agent)
    running(db, busy)
    some_cases(db, queue)
    claim(db)
    with db.begin() as tx:
        tx.sql("update runs set send_count = 3 where status = 'pending'")
    clock.forward(10)
    assert "workers are busy with other queues" in trouble(db)


def test_missing_ticker_is_why_former_runs_are_not_ended(db, clock):
    behind_its_former_run(db, clock)
    clock.forward(9)
    assert trouble(db) is None
    clock.forward(1)
    assert trouble(db).endswith("a former run that was asked to stop has not stopped")
    assert "has not stopped, and no tick ends it: no ticker was ever seen" in trouble(db, seen=["worker"])


def test_trouble_in_one_part_of_a_queue_is_reported_while_another_moves(db, settings, clock):
    queue, _ = worked_queue(db, concurrency=1)
    some_cases(db, queue, 2)
    start(db, claim(db)[0])
    remote = a_pull_agent(db, queue, trigger=False)
    cases.delegate(db, settings, queue.id, some_cases(db, queue), remote.id)
    clock.forward(10)
    assert "remote has room, and does not ask" in trouble(db)


def test_runs_of_a_deleted_agent_are_no_trouble(db, settings, clock):
    queue, _ = worked_queue(db)
    running(db, queue)
    queues.delete_agent(db, settings, TEAM, "worker")
    clock.forward(5)
    assert trouble(db) is None
