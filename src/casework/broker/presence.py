"""Which installations use this Redis: each ticker says that its own does, and reads who else does.

Two that have one prefix take each other's messages. Two that share a Redis by mistake but not a prefix do not, yet whoever
empties it for one empties it for both.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

from redis import Redis, RedisError

from casework import events
from casework.broker.names import INSTALLATIONS
from casework.errors import Unavailable

KEPT_SECONDS = 120
"""How long an installation counts as there after it said so."""

ANNOUNCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation that uses this Redis."""

    id: str
    prefix: str
    database: str
    """Where its database is, without users and passwords."""


class Presence:
    """A ticker's: says now and then that its installation is there, and emits an event once for each other one."""

    def __init__(
        self, redis: Callable[[], Redis], find_own: Callable[[], Installation], every_seconds: float = ANNOUNCE_SECONDS
    ) -> None:
        self._redis, self._find_own, self._every_seconds = redis, find_own, every_seconds
        self._told: set[Installation] = set()
        self._next = 0.0

    def refresh(self) -> None:
        """Say so if it is time to. What is unavailable now is asked again at the next time."""
        if monotonic() < self._next:
            return
        self._next = monotonic() + self._every_seconds
        try:
            own = self._find_own()
            announce(self._redis(), own)
            found = others(self._redis(), own)
        except (RedisError, OSError, Unavailable):
            return
        for other in found:
            if other not in self._told:
                self._told.add(other)
                events.emit(events.RedisShared(other.database, other.prefix == own.prefix))


def announce(redis: Redis, own: Installation) -> None:
    """Say that this installation uses this Redis. Raises RedisError."""
    now = _seconds(redis)
    redis.zadd(INSTALLATIONS, {json.dumps(asdict(own), sort_keys=True): now})
    redis.zremrangebyscore(INSTALLATIONS, 0, now - KEPT_SECONDS)


def others(redis: Redis, own: Installation) -> list[Installation]:
    """The other installations that lately said that they use this Redis. Raises RedisError."""
    found = redis.zrange(INSTALLATIONS, _seconds(redis) - KEPT_SECONDS, "+inf", byscore=True)
    read = [_read(text) for text in found]
    return [one for one in read if one is not None and one.id != own.id]


def _seconds(redis: Redis) -> int:
    """The server's clock: those of the installations may differ."""
    return int(redis.time()[0])


def _read(text: Any) -> Installation | None:
    """An installation; None if somebody else wrote something else."""
    try:
        values = json.loads(text)
        return Installation(str(values["id"]), str(values["prefix"]), str(values["database"]))
    except (ValueError, TypeError, KeyError):
        return None
