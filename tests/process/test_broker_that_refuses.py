"""A Redis that answers, but takes no writes, as with a full disk: no process ends of it, and all go on afterwards."""

from contextlib import contextmanager
from time import sleep
from uuid import uuid4

import pytest

from casework.broker.address import client
from casework.cli.roles import Pool
from casework.core.effects import Effects, Parcel, RunMessage
from casework.core.model import RunId
from factories import a_consumer, a_queue, an_agent, some_cases, worked_queue
from patience import wait_for

pytestmark = pytest.mark.process


@contextmanager
def refusing(url):
    """It wants a replica, and has none."""
    with client(url) as redis:
        redis.config_set("min-replicas-to-write", 1)
        try:
            yield
        finally:
            redis.config_set("min-replicas-to-write", 0)


def test_goes_on_after_the_broker_refused_writes(ticking):
    queue, _ = worked_queue(ticking.db, "sample_agents:sleeps")
    for pool in Pool:
        ticking.worker(pool)
    some_cases(ticking.db, queue, 40, data={"seconds": 0.1})
    ticking.wait_until_ended(queue, 10)
    with refusing(ticking.settings.redis_url):
        sleep(2)
    ticking.wait_until_ended(queue, 40)
    assert [process.poll() for process in ticking.processes] == [None] * 2
    assert ticking.runs_per_case(queue) == {(1, 1)}


@pytest.mark.quick
def test_tolerates_effects_that_the_broker_refuses(installation):
    with refusing(installation.settings.redis_url):
        run = RunId(uuid4())
        installation.casework.effects(Effects(parcels=(Parcel((RunMessage(run, 1),)),), stops=(run,), nudge=True))


def said(installation, action):
    """How often the processes logged it."""
    return sum(log.read_text().count(action) for log in installation.logs.glob("*.log"))


def test_children_that_finished_are_not_taken_for_overstayed(installation):
    queue, _ = worked_queue(installation.db, "sample_agents:sleeps")
    worker = installation.everything(Pool.PREFORK, 4, interrupt_grace_seconds=1.0)
    # Heartbeats see each run before it ends.
    installation.add(queue, 4, data={"seconds": 3})
    wait_for(lambda: installation.running(queue) == 4, "the runs to begin")
    with refusing(installation.settings.redis_url):
        installation.wait_until_ended(queue, 4)
        sleep(4)
    installation.add(queue, 4, data={"seconds": 0.1})
    installation.wait_until_ended(queue, 8)
    assert said(installation, "worker.process_killed") == 0
    assert worker.poll() is None
    assert installation.runs_per_case(queue) == {(1, 1)}


def test_what_overstays_is_killed_although_no_beat_asks_for_ticks(installation):
    queue = a_queue(installation.db)
    agent = an_agent(installation.db, target="sample_agents:long_at_first", timeout_seconds=2)
    a_consumer(installation.db, queue, agent)
    worker = installation.everything(Pool.PREFORK, 2, interrupt_grace_seconds=1.0)
    installation.add(queue, 2)
    wait_for(lambda: installation.running(queue) == 2, "the runs to begin")
    with refusing(installation.settings.redis_url):
        wait_for(lambda: said(installation, "worker.process_killed") == 2, "the processes to be killed")
    others = a_queue(installation.db, "others")
    a_consumer(installation.db, others, an_agent(installation.db, "other"))
    installation.add(others, 4)
    installation.wait_until_ended(others, 4)
    assert worker.poll() is None
