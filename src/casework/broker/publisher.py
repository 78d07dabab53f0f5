"""Performs effects after a commit. Everything here may fail: an unavailable broker delays work, but loses none."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import Timer
from time import monotonic

from redis import Redis, RedisError

from casework import events
from casework.broker.address import client
from casework.broker.circuit_breaker import CircuitBreaker
from casework.broker.envelope import run_message
from casework.broker.names import Names
from casework.core.effects import Effects, Parcel
from casework.errors import BrokerUnavailable

MOST_NUDGES = 100
"""The list of nudges gets longer than this only if no ticker runs."""
AROUND, FREED = "*", "+"
"""In a nudge: look around, over all queues; and: slots came free."""
MOST_QUEUES = 50
"""A nudge names no more queues than this; about more of them, a look around costs less."""
REFILL_SECONDS = 0.05
"""The shortest time between two nudges that ended runs cause when they freed few slot seconds. The last nudge is delayed, never
dropped: otherwise nothing might ask for a tick before the next beat."""
REFILL_SLOT_SECONDS = 0.05
"""When ended runs have freed this much, a tick is worth its cost: one long run, or a bundle of short ones. A tick that finds
nothing costs the ticker as much as 30 claims."""

_AWAY = (RedisError, OSError)


class Publisher:
    """The connection of one process to the broker."""

    def __init__(self, url: str, find_names: Callable[[], Names]) -> None:
        self.url, self._find_names = url, find_names
        self._nudged = 0.0
        self._freed = 0.0
        self._about: set[str] = set()
        self._put_off: Timer | None = None
        self._breaker = CircuitBreaker()

    @cached_property
    def names(self) -> Names:
        """The names of the installation in Redis. Looked up at the first effect, because most commands have none."""
        return self._find_names()

    @cached_property
    def redis(self) -> Redis:
        """A client with short time-outs."""
        return client(self.url, socket_timeout=3)

    def perform(self, effects: Effects) -> None:
        """Send the messages. A failure is logged, not raised."""
        if effects.stops:
            self._hurry(
                "stop", lambda: self.redis.publish(self.names.stops, ",".join(str(run) for run in effects.stops))
            )
        for run_id, text in effects.deltas:
            self._hurry("deltas", lambda: self.redis.publish(self.names.deltas(run_id), text))  # noqa: B023 - called at once
        if effects.parcels:
            with _tolerated("runs"):
                self._send_runs(effects.parcels)
        if effects.nudge or effects.refill:
            self._note(effects)
        left = self._nudged + REFILL_SECONDS - monotonic()
        if effects.nudge or (effects.refill and (left <= 0 or self._freed >= REFILL_SLOT_SECONDS)):
            self._try_to_nudge()
        elif effects.refill and not (self._put_off and self._put_off.is_alive()):
            self._put_off = Timer(left, self._try_to_nudge)
            self._put_off.daemon = True
            self._put_off.start()

    def _note(self, effects: Effects) -> None:
        """What the next nudge is about. A set that another thread changes may lose a queue: the look around finds it."""
        self._freed += effects.refill
        self._about |= set(map(str, effects.queues))
        if effects.frees:
            self._about.add(FREED)
        if not effects.queues:
            self._about.add(AROUND)

    def _try_to_nudge(self) -> None:
        self._hurry("nudge", self.nudge)

    def _hurry(self, effect: str, send: Callable[[], object]) -> None:
        """Send something that the next tick or heartbeat would find anyway; skipped while the circuit breaker is
        open."""
        if self._breaker.is_open:
            return
        with _tolerated(effect):
            try:
                send()
            except RedisError as error:
                self._breaker.record(error)
                raise

    def _send_runs(self, parcels: Sequence[Parcel]) -> None:
        by_group: dict[str, list[str]] = {}
        for parcel in parcels:
            by_group.setdefault(parcel.group, []).append(run_message(parcel))
        for group, messages in by_group.items():
            self.redis.lpush(self.names.runs_for(group), *messages)

    def nudge(self) -> None:
        """Ask for a tick: one push to a list that the next tick empties.

        It bypasses Celery, because a Celery message costs more than the tick itself.
        """
        about, self._about = self._about or {AROUND}, set()
        self._nudged, self._freed = monotonic(), 0.0
        if self.redis.lpush(self.names.nudges, AROUND if len(about) > MOST_QUEUES else ",".join(about)) > MOST_NUDGES:
            # Only if no ticker runs: what is left stands for all of them.
            self.redis.lpush(self.names.nudges, AROUND)
            self.redis.ltrim(self.names.nudges, 0, 0)

    def begin_tick(self) -> None:
        """Remove what other beats have asked for: the tick that begins now answers it. Nudges stay, because they name queues,
        and a beat's tick looks at a part of them."""
        self._hurry("begin_tick", lambda: self.redis.delete(self.names.ticks))

    def check(self) -> None:
        """Raise BrokerUnavailable if the broker does not answer."""
        try:
            self.redis.ping()
        except _AWAY as error:
            raise BrokerUnavailable(f"The broker does not answer: {error}") from error

    def close(self) -> None:
        """Close the connections that were opened."""
        if "redis" in self.__dict__:
            self.redis.close()


@contextmanager
def _tolerated(what: str) -> Iterator[None]:
    try:
        yield
    except _AWAY as error:
        events.emit(events.BrokerUnavailable(what, str(error)))
