"""Receives nudges and stop signals from Redis. Every message is validated."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any
from uuid import UUID

from redis import Redis

from casework.broker.address import client
from casework.broker.names import Names
from casework.broker.publisher import AROUND, FREED, MOST_NUDGES, MOST_QUEUES
from casework.broker.rejected import rejected
from casework.core.effects import ANYWHERE, News
from casework.core.model import QueueId, RunId


class Listener:
    """Receives for one thread. Every method raises RedisError or OSError when Redis is unavailable."""

    def __init__(self, url: str, names: Names) -> None:
        self._url, self._names = url, names
        self._stops: Any = None

    @cached_property
    def _waiting(self) -> Redis:
        """A separate connection, because it blocks for a few seconds."""
        return client(self._url, socket_timeout=10)

    def nudged(self, seconds: float) -> News | None:
        """Wait up to that long for nudges, and take all that are there: one tick answers them. Returns what they are about;
        None if there were none."""
        found = self._waiting.blmpop(seconds, 1, self._names.nudges, direction="LEFT", count=2 * MOST_NUDGES)
        return read_nudges(found[1]) if found else None

    def stopped_runs(self, seconds: float) -> list[RunId]:
        """Wait up to that long for runs that were asked to stop."""
        if self._stops is None:
            pubsub = client(self._url, socket_timeout=5).pubsub()  # type: ignore[no-untyped-call]
            pubsub.subscribe(self._names.stops)
            self._stops = pubsub
        news = self._stops.get_message(ignore_subscribe_messages=True, timeout=seconds)
        return run_ids(news["data"]) if news else []

    def reconnect(self) -> None:
        """Subscribe again at the next call."""
        self._stops = None


def read_nudges(nudges: Iterable[Any]) -> News:
    """What nudges are about: ids of queues, and the marks AROUND and FREED. Anything else is counted as rejected."""
    parts = {part for one in nudges for part in _parts(one)}
    queues: set[QueueId] = set()
    for part in parts - {AROUND, FREED}:
        try:
            queues.add(QueueId(UUID(part)))
        except ValueError:
            rejected.add("nudges", f"not a queue's id: {part[:50]!r}")
    if len(queues) > MOST_QUEUES:
        return ANYWHERE
    return News(frozenset(queues), around=AROUND in parts, freed=FREED in parts)


def _parts(message: Any) -> list[str]:
    return message.decode(errors="replace").split(",") if isinstance(message, bytes) else [str(message)]


def run_ids(data: Any) -> list[RunId]:
    """The run ids in a message. Anything else is counted as rejected."""
    found = []
    for part in _parts(data):
        try:
            found.append(RunId(UUID(part)))
        except ValueError:
            rejected.add("stops", f"not a run's id: {part[:50]!r}")
    return found
