"""Delivers interrupts to the runs that this process executes: each run's Stop is asked, here and nowhere else.

Redis says soonest which runs were asked to stop. The heartbeat says it too, for when Redis is unavailable, and it alone
says which runs were given away.
"""

import threading
from collections.abc import Mapping
from functools import cached_property

from redis import RedisError

from casework import events
from casework.agents.stop import Stop
from casework.broker.listener import Listener
from casework.broker.publisher import Publisher
from casework.core.effects import RunMessage
from casework.core.model import RunId

Watched = Mapping[RunId, tuple[RunMessage, Stop]]


class Interrupts:
    """The runs of this process, and how each is asked to stop."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._lock = threading.RLock()
        self._watched: dict[int, tuple[RunMessage, Stop]] = {}
        """By the ids as numbers, which take a tenth of the time to look up."""

    @cached_property
    def _listener(self) -> Listener:
        return Listener(self._publisher.url, self._publisher.names)

    def begin(self, message: RunMessage, stop: Stop) -> None:
        """Ask `stop` from now on when the run is to stop."""
        with self._lock:
            earlier = self._watched.get(message.run_id.int)
            self._watched[message.run_id.int] = (message, stop)
        if earlier:
            # An attempt that was given up for lost, and began in this process too: no heartbeat speaks of it any more.
            earlier[1].request()

    def end(self, message: RunMessage) -> None:
        """Let go of a run, even if that was done. Its next attempt may be this process's too, and is kept."""
        with self._lock:
            watched = self._watched.get(message.run_id.int)
            if watched and watched[0] == message:
                del self._watched[message.run_id.int]

    def watched(self) -> Watched:
        """The runs of this moment."""
        with self._lock:
            return {message.run_id: (message, stop) for message, stop in self._watched.values()}

    def stop_of(self, message: RunMessage) -> Stop | None:
        """The stop of an attempt; None if it has ended."""
        with self._lock:
            watched, stop = self._watched.get(message.run_id.int, (None, None))
            return stop if watched == message else None

    def deliver_after_heartbeat(self, watched: Watched, alive: Mapping[RunId, bool]) -> None:
        """Stop those of the watched runs that are asked to stop, or that are not alive any more: they were given away."""
        for run_id, (message, stop) in watched.items():
            # What has ended since the heartbeat was sent is no longer alive, and was not lost.
            if alive.get(run_id, True) and not stop.requested and self.stop_of(message):
                events.emit(events.StopRequested(run_id, run_id not in alive))
                stop.request()

    def deliver_from_redis(self, seconds: float) -> None:
        """Stop the runs that Redis names within the next `seconds`, or within one second if that is less."""
        try:
            for run_id in self._listener.stopped_runs(min(seconds, 1.0)):
                with self._lock:
                    found = self._watched.get(run_id.int)
                if found:
                    found[1].request()
        except (RedisError, OSError):
            self._listener.reconnect()
            threading.Event().wait(min(seconds, 0.5))
