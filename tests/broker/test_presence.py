"""Installations that share a Redis learn of each other."""

import pytest
from fakeredis import FakeRedis
from redis import ConnectionError as RedisConnectionError

from casework import events
from casework.broker import presence
from casework.broker.names import INSTALLATIONS
from casework.broker.presence import KEPT_SECONDS, Installation, Presence

OURS = Installation("11111111", "casework:11111111:", "db1:5432/ours")
THEIRS = Installation("22222222", "casework:22222222:", "db2:5432/theirs")
TWIN = Installation("33333333", "casework:11111111:", "db3:5432/twin")


@pytest.fixture
def redis():
    with FakeRedis() as made:
        yield made


@pytest.fixture
def emitted():
    found = []
    events.subscribe(found.append)
    yield found
    events.unsubscribe(found.append)


def test_an_installation_sees_others_and_not_itself(redis):
    for one in (OURS, THEIRS, OURS):
        presence.announce(redis, one)
    assert presence.others(redis, OURS) == [THEIRS]
    assert presence.others(redis, THEIRS) == [OURS]


def test_one_that_fell_silent_is_forgotten(redis):
    presence.announce(redis, THEIRS)
    (member,) = redis.zrange(INSTALLATIONS, 0, -1)
    redis.zincrby(INSTALLATIONS, -KEPT_SECONDS - 1, member)
    assert presence.others(redis, OURS) == []
    presence.announce(redis, OURS)
    assert redis.zcard(INSTALLATIONS) == 1


def test_what_somebody_else_wrote_is_passed_over(redis):
    presence.announce(redis, THEIRS)
    now = redis.time()[0]
    redis.zadd(INSTALLATIONS, {b"\xff": now, "[]": now, "{}": now, "1": now})
    assert presence.others(redis, OURS) == [THEIRS]


def test_a_ticker_tells_of_each_other_installation_once(redis, emitted):
    for one in (THEIRS, TWIN):
        presence.announce(redis, one)
    told = Presence(lambda: redis, lambda: OURS, every_seconds=0)
    told.refresh()
    told.refresh()
    assert {(one.database, one.same_prefix) for one in emitted} == {
        (THEIRS.database, False),
        (TWIN.database, True),
    }
    assert len(emitted) == 2
    assert presence.others(redis, THEIRS) == [TWIN, OURS] or presence.others(redis, THEIRS) == [OURS, TWIN]


def test_a_redis_that_is_away_costs_a_ticker_nothing(emitted):
    def away():
        raise RedisConnectionError

    Presence(away, lambda: OURS).refresh()
    assert emitted == []
