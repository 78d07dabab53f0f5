"""What a queue says when its cases wait for too long."""

from standstills import SLOTS, a_pull_agent, behind_its_former_run, claimed, trouble

from casework.service import cases, pull, queues
from casework.service.diagnosis.case import explain
from casework.service.diagnosis.causes import HANGS, Reason
from casework.service.sweep import sweep
from casework.store import transitions
from factories import (
    TEAM,
    a_consumer,
    a_queue,
    an_agent,
    claim,
    running,
    some_cases,
    start,
    worked_queue,
)


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
    assert pull.claim(db, TEAM, agent.id, "w") is not None
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


def test_a_consumer_without_a_limit_waits_for_slots_of_workers(db, settings, clock):
    queue, _ = worked_queue(db)
    for _ in range(SLOTS):
        running(db, queue)
    (last,) = some_cases(db, queue)
    clock.forward(20)
    assert trouble(db) is None
    told = explain(db, settings, TEAM, last)
    assert told.code == Reason.WAITING_FOR_WORKER
    assert "all 2 slots of 1 worker are in use" in told.message
    clock.forward(HANGS.total_seconds())
    assert "all 2 slots of 1 worker are in use, and none was taken for" in trouble(db)


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
