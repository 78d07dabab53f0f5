"""Performs effects after a commit. A broker that is away costs time, never work: everything here may fail."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from threading import Timer
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

from celery import Celery
from kombu.exceptions import KombuError
from redis import Redis, RedisError

from casework import log
from casework.broker.app import RUN_TASK, RUNS, TICKS, make_app
from casework.broker.silence import Silence
from casework.core.model import Bundle, Effects, RunId
from casework.errors import BrokerUnavailable, InvalidSettings

STOP_CHANNEL = "casework:stop"
_NUDGES = "casework:nudges"
_MOST_NUDGES = 100
"""As many gather only where no ticker is."""
# What Celery would write into each message for its monitors, which have no use for ids.
_PLAIN = {"ignore_result": True, "argsrepr": "", "kwargsrepr": "", "origin": "casework"}
_REFILL_SECONDS = 0.1
"""Between two ticks that are asked for by runs without a limit, where few are over. The last of them is put off, and never
left out: nobody else might ask before the next beat."""
_REFILL_RUNS = 50
"""So many that are over are worth a tick by themselves. A tick finds something once 100 have started, and one that finds
nothing costs the ticker as much as 30 claims."""

_AWAY = (RedisError, KombuError, OSError)


def client(url: str, **options: Any) -> Redis:
    """A Redis client for a URL as Celery takes it. Raises InvalidSettings."""
    plain = url.replace("redis+socket://", "unix://").replace("virtual_host=", "db=")
    try:
        return Redis.from_url(plain, socket_connect_timeout=3, **options)
    except ValueError as error:
        raise InvalidSettings(f"CASEWORK_REDIS_URL: {error}") from error


class Publisher:
    """One process's way to the broker."""

    def __init__(self, url: str, app: Celery | None = None) -> None:
        self.url = url
        self._app = app
        self._nudged = 0.0
        self._over = 0
        self._put_off: Timer | None = None
        self._silence = Silence()

    @cached_property
    def app(self) -> Celery:
        """The Celery application that encodes the messages."""
        return self._app or make_app(lambda: self.url, lambda: 1.0)

    @cached_property
    def redis(self) -> Redis:
        """A client with short time-outs."""
        return client(self.url, socket_timeout=3)

    def perform(self, effects: Effects) -> None:
        """Send what has to be sent; a failure is logged."""
        if effects.stops:
            self._hurry("stop", lambda: self.redis.publish(STOP_CHANNEL, ",".join(str(run) for run in effects.stops)))
        if effects.bundles:
            with _tolerated("runs"):
                self._send_runs(effects.bundles)
        self._over += effects.refill
        left = self._nudged + _REFILL_SECONDS - monotonic()
        if effects.nudge or (effects.refill and (left <= 0 or self._over >= _REFILL_RUNS)):
            self._try_to_nudge()
        elif effects.refill and not (self._put_off and self._put_off.is_alive()):
            self._put_off = Timer(left, self._try_to_nudge)
            self._put_off.daemon = True
            self._put_off.start()

    def _try_to_nudge(self) -> None:
        self._hurry("nudge", self.nudge)

    def _hurry(self, effect: str, send: Callable[[], object]) -> None:
        """Send what the next tick or heartbeat would find out by itself."""
        if self._silence.lasts():
            return
        with _tolerated(effect):
            try:
                send()
            except RedisError as error:
                self._silence.notice(error)
                raise

    def _send_runs(self, bundles: Sequence[Bundle]) -> None:
        """One batch, one round trip: `delay` one by one costs seven times as much. A batch of one costs 0.2 ms for nothing."""
        with (
            self.app.producer_pool.acquire(block=True, timeout=5) as producer,
            producer.batch(max_size=1000) if len(bundles) > 1 else nullcontext(),
        ):
            for bundle in bundles:
                runs = [(str(message.run_id), message.attempt) for message in bundle]
                task = self.app.amqp.as_task_v2(str(uuid4()), RUN_TASK, (runs,), {}, **_PLAIN)
                producer.publish(
                    task.body, exchange="", routing_key=RUNS, headers=task.headers, serializer="json", **task.properties
                )

    def nudge(self) -> None:
        """Ask for a tick: one push to a list that the next tick empties.

        Past Celery, whose message would cost its sender and the ticker more than the tick itself.
        """
        self._nudged, self._over = monotonic(), 0
        if self.redis.lpush(_NUDGES, 1) > _MOST_NUDGES:
            self.redis.ltrim(_NUDGES, 0, 0)

    def nudged(self, waiting: Redis, seconds: int) -> bool:
        """Wait that long for nudges, and take all that there are: one tick answers them. Raises RedisError."""
        return waiting.blmpop(seconds, 1, _NUDGES, direction="LEFT", count=2 * _MOST_NUDGES) is not None

    def waiting_client(self) -> Redis:
        """A connection of its own, for waits of a few seconds."""
        return client(self.url, socket_timeout=10)

    def begin_tick(self) -> None:
        """Take all waiting requests for a tick: the one that begins answers them all. What comes from now on is kept."""
        self._hurry("begin_tick", lambda: self.redis.delete(_NUDGES, TICKS))

    def stopped_runs(self, pubsub: Any, seconds: float) -> list[RunId]:
        """Wait that long for news of runs that were asked to stop. Raises RedisError."""
        news = pubsub.get_message(ignore_subscribe_messages=True, timeout=seconds)
        return [RunId(UUID(part)) for part in news["data"].decode().split(",")] if news else []

    def subscribe(self) -> Any:
        """A subscription to stop requests. Raises RedisError."""
        pubsub = client(self.url, socket_timeout=5).pubsub()  # type: ignore[no-untyped-call]
        pubsub.subscribe(STOP_CHANNEL)
        return pubsub

    def check(self) -> None:
        """Raise BrokerUnavailable where the broker does not answer."""
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
        log.warn("broker.away", effect=what, error=str(error))
