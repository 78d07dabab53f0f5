"""What is sent to Redis where it is only a signal."""

import pytest
from fakeredis import FakeRedis

from casework.broker import publisher
from casework.broker.publisher import Publisher
from casework.core.model import Effects

NUDGES = publisher._NUDGES


@pytest.fixture
def signals():
    found = Publisher("redis://nowhere")
    found.redis = FakeRedis()
    return found


def test_refills_in_quick_succession_ask_for_one_tick_now_and_one_when_they_are_over(signals, monkeypatch):
    monkeypatch.setattr(publisher, "_REFILL_SECONDS", 1.0)
    for _ in range(10):
        signals.perform(Effects(refill=1))
    assert signals.redis.llen(NUDGES) == 1
    assert signals.redis.blpop([NUDGES], 1)
    assert signals.redis.blpop([NUDGES], 10), "the last run ended without a tick to come"
    assert signals.redis.llen(NUDGES) == 0


def test_many_runs_that_are_over_ask_at_once(signals):
    signals.perform(Effects(refill=1))
    assert signals.redis.llen(NUDGES) == 1
    for _ in range(publisher._REFILL_RUNS // 10):
        assert signals.redis.llen(NUDGES) == 1
        signals.perform(Effects(refill=10))
    assert signals.redis.llen(NUDGES) == 2


def test_each_nudge_asks_at_once(signals):
    for _ in range(3):
        signals.perform(Effects(nudge=True))
    assert signals.redis.llen(NUDGES) == 3


def test_a_redis_that_is_away_costs_no_work(signals):
    signals.redis = Publisher("redis://127.0.0.1:1").redis
    signals.perform(Effects(nudge=True))
