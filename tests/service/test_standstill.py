"""A queue that stands still says why, and one that moves says nothing."""

from datetime import timedelta

import pytest

from casework.core.model import AgentKind
from casework.service import agents, cases, pull, queues, standstill
from casework.service.sweep import sweep
from casework.store import processes, transitions
from factories import SETTINGS, TEAM, a_consumer, a_queue, an_agent, claim, running, some_cases, start, worked_queue

HANGS = standstill._HANGS.total_seconds()


def trouble(db, settings=SETTINGS, name="inbox", seen=("ticker", "worker")):
    """What is said of the queue while processes of these roles work."""
    with db.begin() as tx:
        tx.sql("delete from processes")
        for role in seen:
            processes.seen(tx, role, role, timedelta(seconds=30))
    return dict((queue.name, why) for queue, why in standstill.queues(db, settings, TEAM))[name]


def a_pull_agent(db, queue, **options):
    agent = agents.create(db, SETTINGS, TEAM, "remote", kind=AgentKind.PULL)
    a_consumer(db, queue, agent, **options)
    return agent


def test_a_queue_without_ready_cases_moves(db, clock):
    queue, _ = worked_queue(db)
    assert trouble(db) is None
    some_cases(db, queue)
    clock.forward(9)
    assert trouble(db) is None
    clock.forward(1)
    assert "cases are ready since 10 s" in trouble(db)


@pytest.mark.parametrize("mode", ["paused", "draining"])
def test_its_mode(db, clock, mode):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    queues.set_mode(db, TEAM, queue.id, queues.QueueMode(mode))
    clock.forward(10)
    assert f"the queue is {mode}: casework queues resume inbox" in trouble(db)


def test_a_resumed_run_of_a_draining_queue_is_not_stopped_by_the_draining(db, clock):
    queue, _ = worked_queue(db)
    _, fence = running(db, queue)
    with db.begin() as tx:
        transitions.release(tx, fence, "x")
    queues.set_mode(db, TEAM, queue.id, queues.QueueMode.DRAINING)
    clock.forward(10)
    assert "no ticker" in trouble(db, seen=())


def test_no_consumers_or_none_with_its_trigger_on(db, clock):
    queue = a_queue(db)
    some_cases(db, queue)
    clock.forward(10)
    assert "no consumers: casework consumers set inbox AGENT" in trouble(db)
    a_consumer(db, queue, an_agent(db), trigger=False)
    assert "no consumer has its trigger on" in trouble(db)


def test_delegated_cases_need_no_trigger_but_their_consumer(db, settings, clock):
    queue, agent = worked_queue(db)
    off = an_agent(db, "off")
    a_consumer(db, queue, off, trigger=False)
    ids = some_cases(db, queue)
    cases.delegate(db, settings, queue.id, ids, off.id)
    clock.forward(10)
    assert "no tick claims them, although their consumers have room" in trouble(db)
    with db.begin() as tx:
        tx.sql("delete from consumers where agent_id = %(id)s", {"id": off.id})
    assert "meant for off, which is no consumer: casework consumers set inbox off" in trouble(db)
    with db.begin() as tx:
        tx.sql("update cases set assigned_agent_id = gen_random_uuid()")
    assert "meant for an agent that is gone" in trouble(db)


def test_no_ticker(db, clock):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    clock.forward(10)
    assert "but no ticker was ever seen" in trouble(db, seen=["worker"])


def test_a_pull_agent_that_has_room_and_does_not_ask(db, clock):
    queue = a_queue(db)
    a_pull_agent(db, queue, concurrency=2)
    some_cases(db, queue, 3)
    clock.forward(10)
    assert "remote has room, and does not ask for work" in trouble(db, seen=())


def test_a_pull_agent_that_works_on_one_case_after_the_other_moves(db, clock):
    queue = a_queue(db)
    agent = a_pull_agent(db, queue)
    some_cases(db, queue, 3)
    assert pull.claim(db, SETTINGS, TEAM, agent.id, "w") is not None
    clock.forward(HANGS - 1)
    assert trouble(db) is None
    clock.forward(1)
    assert "does not ask" in trouble(db)


def test_consumers_at_their_limit_move_as_long_as_slots_change_hands(db, clock):
    queue, _ = worked_queue(db, concurrency=1)
    some_cases(db, queue, 3)
    (first,) = claim(db)
    fence = start(db, first)
    clock.forward(HANGS - 1)
    assert trouble(db) is None
    with db.begin() as tx:
        transitions.complete(tx, fence, None)
    start(db, claim(db)[0])
    clock.forward(HANGS - 1)
    assert trouble(db) is None
    clock.forward(1)
    assert f"all slots of worker are in use, and none was taken anew since {HANGS:.0f} s" in trouble(db)


def test_a_consumer_without_a_limit_is_full_too(db, clock):
    few = SETTINGS.model_copy(update={"outstanding_runs": 2})
    queue, _ = worked_queue(db)
    some_cases(db, queue, 9)
    start(db, claim(db, few)[0])
    start(db, claim(db, few)[0])
    claim(db, few)
    clock.forward(20)
    assert trouble(db, few) is None
    clock.forward(HANGS)
    assert "not started, and those that are executed hang" in trouble(db, few)


def test_no_worker(db, clock):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    claim(db)
    clock.forward(9)
    assert trouble(db, seen=["ticker"]) is None
    clock.forward(1)
    assert "runs are claimed since 10 s and not started: no worker was ever seen" in trouble(db, seen=["ticker"])


def test_messages_that_do_not_arrive(db, settings, clock):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    claim(db)
    for sends in (2, 3):
        assert trouble(db) is None
        clock.forward(settings.resend_seconds * 2 ** (sends - 2))
        sweep(db, settings)
    assert "messages were sent 3 times: do the workers and the broker see each other?" in trouble(db)


def test_workers_that_are_busy_with_other_queues(db, settings, clock):
    busy = a_queue(db, "busy")
    queue, agent = worked_queue(db)
    a_consumer(db, busy, agent)
    running(db, busy)
    some_cases(db, queue)
    claim(db)
    with db.begin() as tx:
        tx.sql("update runs set sends = 3 where status = 'pending'")
    clock.forward(10)
    assert "workers are busy with other queues" in trouble(db)


def test_cases_whose_former_runs_did_not_stop(db, settings, clock):
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    cases.retry(db, settings, queue.id, [case_id])
    clock.forward(settings.interrupt_grace_seconds + 9)
    assert trouble(db) is None
    clock.forward(1)
    told = trouble(db, seen=["worker"])
    assert "1 of them wait for former runs that did not stop, which a tick ends: no ticker was ever seen" in told


def test_the_cause_of_one_part_of_a_queue_is_told_though_another_moves(db, settings, clock):
    queue, _ = worked_queue(db, concurrency=1)
    some_cases(db, queue, 2)
    start(db, claim(db)[0])
    remote = a_pull_agent(db, queue, trigger=False)
    cases.delegate(db, settings, queue.id, some_cases(db, queue), remote.id)
    clock.forward(10)
    assert "remote has room, and does not ask" in trouble(db)


def test_runs_of_an_agent_that_was_deleted_are_no_trouble(db, settings, clock):
    queue, _ = worked_queue(db)
    running(db, queue)
    queues.delete_agent(db, settings, TEAM, "worker")
    clock.forward(5)
    assert trouble(db) is None
