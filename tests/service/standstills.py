"""Situations in which a queue stands still. Each function returns a case that stands still with it."""

from datetime import timedelta

from casework.core.model import AgentKind
from casework.service import agents, cases, limits, queues
from casework.service.diagnosis.causes import HANGS
from casework.service.diagnosis.queue import diagnose
from casework.store import processes
from factories import (
    SETTINGS,
    TEAM,
    a_consumer,
    a_queue,
    an_agent,
    claim,
    running,
    some_cases,
    worked_queue,
)

SLOTS = 2
"""Of the worker that was seen."""


def see(db, *roles):
    """Let processes of these roles, and no others, have been seen just now."""
    with db.begin() as tx:
        tx.sql("delete from processes")
        for role in roles:
            slots = SLOTS if role == "worker" else 0
            id = "w" if role == "worker" else role
            processes.seen(tx, id, role, timedelta(seconds=30), processes.Report(slots))


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


def lose_slots(db):
    """Let a worker have lost two slots."""
    with db.begin() as tx:
        processes.seen(tx, "w", "worker", timedelta(seconds=30), processes.Report(SLOTS, lost_slots=2))


def behind_runs_that_hang(db, clock):
    """A consumer without a limit: the slots of the workers are what is full."""
    queue, _ = worked_queue(db)
    for _ in range(SLOTS):
        running(db, queue)
    clock.forward(HANGS.total_seconds())
    return some_cases(db, queue)[0]


def in_a_group_that_nobody_serves(db, clock):
    case_id = ready(db, clock)
    with db.begin() as tx:
        tx.sql("update agents set worker_group = 'gpu'")
    return case_id


def claimed_for_a_group_that_nobody_serves(db, clock):
    """Another group's worker is at work meanwhile."""
    case_id = claimed(db, clock)
    with db.begin() as tx:
        tx.sql("update agents set worker_group = 'gpu'")
    other, helper = a_queue(db, "other"), an_agent(db, "helper")
    a_consumer(db, other, helper)
    running(db, other)
    return case_id


def behind_its_former_run(db, clock):
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    cases.retry(db, SETTINGS, queue.id, [case_id])
    clock.forward(SETTINGS.interrupt_grace_seconds)
    return case_id


def behind_a_limit(db, clock):
    queue, _ = worked_queue(db)
    limits.put(db, TEAM, queue=queue.id, concurrency=1)
    running(db, queue)
    clock.forward(HANGS.total_seconds())
    return some_cases(db, queue)[0]
