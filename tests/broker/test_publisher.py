"""What is sent to Redis where it is only a signal."""

import socket
from contextlib import closing
from uuid import uuid4

import pytest
from fakeredis import FakeRedis

from casework.broker import publisher, silence
from casework.broker.publisher import Publisher
from casework.core.model import Effects, RunId

RUN = RunId(uuid4())


def nudges(redis):
    """How many wait for a tick."""
    return sum(redis.llen(key) for key in redis.scan_iter())


def noting(names, execute):
    def noted(name, *values, **options):
        names.append(name)
        return execute(name, *values, **options)

    return noted


@pytest.fixture
def signals():
    found = Publisher("redis://nowhere")
    found.redis = FakeRedis()
    return found


def test_merges_quick_refills_into_one_tick_now_and_one_after(signals, monkeypatch):
    monkeypatch.setattr(publisher, "_REFILL_SECONDS", 1.0)
    for _ in range(10):
        signals.perform(Effects(refill=1))
    assert nudges(signals.redis) == 1
    assert signals.nudged(signals.redis, 1)
    assert signals.nudged(signals.redis, 10), "the last run ended without a tick to come"
    assert nudges(signals.redis) == 0


def test_asks_for_a_tick_at_once_when_many_runs_are_over(signals):
    signals.perform(Effects(refill=1))
    assert nudges(signals.redis) == 1
    for _ in range(publisher._REFILL_RUNS // 10):
        assert nudges(signals.redis) == 1
        signals.perform(Effects(refill=10))
    assert nudges(signals.redis) == 2


def test_asks_for_a_tick_at_each_nudge(signals):
    for _ in range(3):
        signals.perform(Effects(nudge=True))
    assert nudges(signals.redis) == 3


def test_asks_again_after_redis_was_away_and_loses_no_work(signals):
    answering, signals.redis = signals.redis, Publisher("redis://127.0.0.1:1").redis
    signals.perform(Effects(nudge=True))
    signals.redis = answering
    signals.perform(Effects(nudge=True))
    assert nudges(answering) == 1


@pytest.fixture
def unanswered():
    """A broker that takes what is sent, and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


def test_waits_once_for_a_redis_that_does_not_answer(signals, unanswered, monkeypatch):
    now = 100.0
    monkeypatch.setattr(silence, "monotonic", lambda: now)
    host, port = unanswered.getsockname()
    asked = []
    deaf = publisher.client(f"redis://{host}:{port}", socket_timeout=0.1)
    monkeypatch.setattr(deaf, "execute_command", noting(asked, deaf.execute_command))
    answering, signals.redis = signals.redis, deaf

    signals.perform(Effects(stops=(RUN,), nudge=True))
    signals.perform(Effects(nudge=True))
    signals.begin_tick()
    assert asked == ["PUBLISH"]

    now += silence.SECONDS
    signals.redis = answering
    signals.perform(Effects(nudge=True))
    assert nudges(answering) == 1
