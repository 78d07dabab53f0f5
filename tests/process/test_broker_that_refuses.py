"""A Redis that answers, but takes no writes, as with a full disk: no process ends of it, and all go on afterwards."""

from contextlib import contextmanager
from time import sleep
from uuid import uuid4

import pytest

from casework.broker.address import client
from casework.cli.roles import Pool
from casework.core.effects import Effects, Parcel, RunMessage
from casework.core.model import RunId
from factories import some_cases, worked_queue

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
