"""Performs effects after a commit. Everything here may fail: an unavailable broker delays work, but loses none."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING

from redis import Redis, RedisError

from casework import events
from casework.broker.address import client
from casework.broker.circuit_breaker import CircuitBreaker
from casework.broker.names import RUNS, Names
from casework.core.effects import Bundle, Effects
from casework.errors import BrokerUnavailable

if TYPE_CHECKING:
    from celery import Celery

MOST_NUDGES = 100
"""The list of nudges gets longer than this only if no ticker runs."""
REFILL_SECONDS = 0.1
"""The shortest time between two nudges that consumers without a limit cause when few of their runs have ended. The last
nudge is delayed, never dropped: otherwise nothing might ask for a tick before the next beat."""
REFILL_RUNS = 50
"""When this many runs have ended, a tick is worth its cost. A tick finds work once 100 have started, and one that finds
nothing costs the ticker as much as 30 claims."""

_AWAY = (RedisError, OSError, BrokerUnavailable)


class Publisher:
    """The connection of one process to the broker."""

    def __init__(self, url: str, find_names: Callable[[], Names], app: "Celery | None" = None) -> None:
        self.url, self._find_names = url, find_names
        self._app = app
        self._nudged = 0.0
        self._over = 0
        self._put_off: Timer | None = None
        self._breaker = CircuitBreaker()

    @cached_property
    def app(self) -> "Celery":
        """The Celery application that encodes messages. Imported at the first message, because most commands send
        none."""
        from casework.broker.app import make_app

        return self._app or make_app(lambda: self.url, lambda: self.names.prefix, lambda: 1.0)

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
        if effects.bundles:
            with _tolerated("runs"):
                self._send_runs(effects.bundles)
        self._over += effects.refill
        left = self._nudged + REFILL_SECONDS - monotonic()
        if effects.nudge or (effects.refill and (left <= 0 or self._over >= REFILL_RUNS)):
            self._try_to_nudge()
        elif effects.refill and not (self._put_off and self._put_off.is_alive()):
            self._put_off = Timer(left, self._try_to_nudge)
            self._put_off.daemon = True
            self._put_off.start()

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

    def _send_runs(self, bundles: Sequence[Bundle]) -> None:
        from kombu.exceptions import KombuError

        from casework.broker import celery_internals
        from casework.broker.app import RUN_TASK

        arguments = [([(str(run.run_id), run.attempt) for run in bundle],) for bundle in bundles]
        try:
            celery_internals.publish(self.app, RUNS, RUN_TASK, arguments)
        except KombuError as error:
            raise BrokerUnavailable(str(error)) from error

    def nudge(self) -> None:
        """Ask for a tick: one push to a list that the next tick empties.

        It bypasses Celery, because a Celery message costs more than the tick itself.
        """
        self._nudged, self._over = monotonic(), 0
        if self.redis.lpush(self.names.nudges, 1) > MOST_NUDGES:
            self.redis.ltrim(self.names.nudges, 0, 0)

    def begin_tick(self) -> None:
        """Remove all waiting requests for a tick: the tick that begins now answers them. Later requests are kept."""
        self._hurry("begin_tick", lambda: self.redis.delete(self.names.nudges, self.names.ticks))

    def check(self) -> None:
        """Raise BrokerUnavailable if the broker does not answer."""
        try:
            self.redis.ping()
        except _AWAY as error:
            raise BrokerUnavailable(f"The broker does not answer: {error}") from error

    def close(self) -> None:
        """Close the connections that were opened."""
        for name, thing in (("redis", "close"), ("app", "close")):
            if name in self.__dict__:
                getattr(self.__dict__[name], thing)()


@contextmanager
def _tolerated(what: str) -> Iterator[None]:
    try:
        yield
    except _AWAY as error:
        events.emit(events.BrokerUnavailable(what, str(error)))
