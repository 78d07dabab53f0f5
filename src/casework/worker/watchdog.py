"""Notices a consumer that no longer consumes, and lets it connect again.

A broker that goes away while the event loop is busy, as with a tick in the solo pool, can leave the consumer waiting
for a reply on a connection that is closed: no error ever comes. Messages that wait while there is room for them, and
are not received, give it away.
"""

from typing import Any

from celery import Celery, bootsteps, signals
from redis import ConnectionError as RedisConnectionError
from redis import RedisError

from casework import events
from casework.broker import celery_internals
from casework.broker.address import client
from casework.worker.identity import worker_name

CHECK_SECONDS = 1.0
STRIKES = 3
"""So many checks in a row that find messages waiting, room for them, and none received."""


class WatchConsumer(bootsteps.StartStopStep):  # type: ignore[misc]
    """Part of the consumer: begins again with each connection."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, c: Any) -> None:
        """Look again and again, from within the consumer's event loop."""
        if c.hub is None:
            return
        celery_internals.track_again(c.pool)
        options = c.app.conf.broker_transport_options
        self.keys = [f"{options['global_keyprefix']}{queue}" for queue in c.app.amqp.queues.consume_from]
        self.slots = c.pool.num_processes or 1
        self.redis = client(options["redis_url"], socket_timeout=1)
        self.received = self.seen = 0
        self.strikes = 0
        signals.task_received.connect(self._note, weak=True)
        self.timer = c.hub.call_repeatedly(CHECK_SECONDS, self._check)

    def stop(self, _: Any) -> None:
        """Look no more."""
        timer = self.__dict__.pop("timer", None)
        if timer is not None:
            timer.cancel()
            signals.task_received.disconnect(self._note)
            self.redis.close()

    def _note(self, **_: Any) -> None:
        self.received += 1

    def _check(self) -> None:
        """Raise a connection error into the event loop, as a broken connection would; the loop then connects again."""
        idle = self.received == self.seen
        self.seen = self.received
        has_room = celery_internals.reserved() < self.slots
        self.strikes = self.strikes + 1 if idle and has_room and self._messages_wait() else 0
        if self.strikes >= STRIKES:
            events.emit(events.ConsumerStuck(worker_name()))
            raise RedisConnectionError("messages wait, and none is received")

    def _messages_wait(self) -> bool:
        try:
            return celery_internals.waiting(self.redis, self.keys) > 0
        except RedisError:
            return False


def install(app: Celery) -> None:
    """Make it part of the application's consumers."""
    app.steps["consumer"].add(WatchConsumer)
