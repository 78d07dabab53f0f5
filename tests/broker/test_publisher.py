"""Messages to Redis, which are only signals."""

import json
import socket
from base64 import b64decode
from contextlib import closing
from uuid import uuid4

import pytest
from fakeredis import FakeRedis

from casework.broker import circuit_breaker, publisher
from casework.broker.address import client
from casework.broker.listener import read_nudges
from casework.broker.names import Names
from casework.broker.publisher import Publisher
from casework.core.effects import ANYWHERE, Effects, News, Parcel, RunMessage
from casework.core.model import RunId
from casework.worker.messages import read_bundle

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
        signals.perform(Effects(refill=0.001))
    assert signals.redis.blpop([NAMES.nudges], 1)
    assert signals.redis.blpop([NAMES.nudges], 10), "the last run ended without a tick to come"
    assert nudges(signals) == 0


def test_ended_runs_ask_at_once_when_they_have_freed_enough(signals, monkeypatch):
    # No time that passes asks for them.
    monkeypatch.setattr(publisher, "REFILL_SECONDS", 5.0)
    signals.perform(Effects(refill=0.001))
    assert nudges(signals) == 1
    for _ in range(4):
        signals.perform(Effects(refill=publisher.REFILL_SLOT_SECONDS / 5))
        assert nudges(signals) == 1
    signals.perform(Effects(refill=publisher.REFILL_SLOT_SECONDS))
    assert nudges(signals) == 2


def test_a_nudge_says_what_it_is_about(signals):
    first, second = uuid4(), uuid4()
    signals.perform(Effects(refill=0.001, queues=frozenset({first}), frees=True))
    assert read_nudges(signals.redis.lrange(NAMES.nudges, 0, -1)) == News(frozenset({first}), freed=True)
    signals.perform(Effects(nudge=True, queues=frozenset({second})))
    assert read_nudges(signals.redis.lrange(NAMES.nudges, 0, -1)) == News(frozenset({first, second}), freed=True)
    signals.perform(Effects(nudge=True))
    assert read_nudges(signals.redis.lrange(NAMES.nudges, 0, -1)).around


def test_a_nudge_about_many_queues_asks_to_look_around(signals):
    signals.perform(Effects(nudge=True, queues=frozenset(uuid4() for _ in range(51))))
    assert read_nudges(signals.redis.lrange(NAMES.nudges, 0, -1)) == ANYWHERE


def test_a_beats_tick_answers_other_beats_and_leaves_nudges(signals):
    signals.perform(Effects(nudge=True, queues=frozenset({uuid4()})))
    signals.redis.lpush(NAMES.ticks, "asked for by another beat")
    signals.begin_tick()
    assert (nudges(signals), signals.redis.llen(NAMES.ticks)) == (1, 0)


def test_runs_are_taken_by_their_group_in_their_order(signals):
    first, second, special = (RunMessage(RunId(uuid4()), 1) for _ in range(3))
    signals.perform(Effects(parcels=(Parcel((first,)), Parcel((special,), "gpu"), Parcel((second,)))))
    taken = [json.loads(signals.redis.rpop(f"{NAMES.prefix}{name}")) for name in ("runs", "runs", "runs.gpu")]
    arguments = [json.loads(b64decode(message["body"]))[0] for message in taken]
    assert [read_bundle(runs) for runs, _ in arguments] == [(first,), (second,), (special,)]


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
