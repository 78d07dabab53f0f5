"""Messages to Redis, which are only signals."""

import socket
from contextlib import closing
from uuid import uuid4

import pytest
from fakeredis import FakeRedis

from casework.broker import circuit_breaker, publisher
from casework.broker.address import client
from casework.broker.names import Names
from casework.broker.publisher import Publisher
from casework.core.effects import Effects
from casework.core.model import RunId

NAMES = Names("test:")
RUN = RunId(uuid4())


def a_publisher(url="redis://nowhere"):
    return Publisher(url, lambda: NAMES)


@pytest.fixture
def signals():
    found = a_publisher()
    found.redis = FakeRedis()
    return found


def nudges(signals):
    return signals.redis.llen(NAMES.nudges)


def test_refills_in_quick_succession_ask_for_one_tick_now_and_one_later(signals):
    for _ in range(10):
        signals.perform(Effects(refill=1))
    assert signals.redis.blpop([NAMES.nudges], 1)
    assert signals.redis.blpop([NAMES.nudges], 10), "the last run ended without a tick to come"
    assert nudges(signals) == 0


def test_many_runs_that_are_over_ask_at_once(signals):
    signals.perform(Effects(refill=1))
    assert nudges(signals) == 1
    for _ in range(publisher.REFILL_RUNS // 10):
        assert nudges(signals) == 1
        signals.perform(Effects(refill=10))
    assert nudges(signals) == 2


def test_each_nudge_asks_at_once(signals):
    for _ in range(3):
        signals.perform(Effects(nudge=True))
    assert nudges(signals) == 3


def test_unavailable_redis_loses_no_work_and_is_retried(signals):
    answering, signals.redis = signals.redis, a_publisher("redis://127.0.0.1:1").redis
    signals.perform(Effects(nudge=True))
    signals.redis = answering
    signals.perform(Effects(nudge=True))
    assert nudges(signals) == 1


@pytest.fixture
def unanswered():
    """A broker that takes what is sent, and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


def test_redis_that_does_not_answer_is_waited_for_once(signals, unanswered, monkeypatch):
    now = 100.0
    monkeypatch.setattr(circuit_breaker, "monotonic", lambda: now)
    host, port = unanswered.getsockname()
    asked = []

    class Deaf:
        def __init__(self):
            self.client = client(f"redis://{host}:{port}", socket_timeout=0.1)

        def __getattr__(self, name):
            asked.append(name)
            return getattr(self.client, name)

    answering, signals.redis = signals.redis, Deaf()
    signals.perform(Effects(stops=(RUN,), nudge=True))
    signals.perform(Effects(nudge=True))
    signals.begin_tick()
    assert asked == ["publish"]

    now += circuit_breaker.OPEN_SECONDS
    signals.redis = answering
    signals.perform(Effects(nudge=True))
    assert nudges(signals) == 1
