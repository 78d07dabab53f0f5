"""Wakes a thread pool's consumer when a run has ended.

With prefetching off, a consumer whose slots are all in use stops reading from Redis. A process pool's results wake its
event loop; a thread's end does not, and the loop would notice the free slot up to a second later.
"""

import os
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from celery import Celery, bootsteps
from celery.concurrency.thread import TaskPool


class WakeConsumer(bootsteps.StartStopStep):  # type: ignore[misc]
    """Part of the consumer: begins again with each connection."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, c: Any) -> None:
        """Let each ended thread write to a pipe that the event loop reads."""
        if not isinstance(c.pool, TaskPool) or c.hub is None:
            return
        self.reader, self.writer = os.pipe()
        for end in (self.reader, self.writer):
            os.set_blocking(end, False)
        c.hub.add_reader(self.reader, _drain, self.reader)
        _call_when_done(c.pool, self._wake)

    def _wake(self, _: "Future[Any]") -> None:
        # A full pipe: the loop is awake already. A closed one: the consumer has gone.
        with suppress(OSError, AttributeError):
            os.write(self.writer, b".")

    def stop(self, c: Any) -> None:
        """Close the pipe."""
        for name in ("reader", "writer"):
            end = self.__dict__.pop(name, None)
            if end is not None:
                if name == "reader" and c.hub is not None:
                    c.hub.remove(end)
                os.close(end)


def _drain(end: int) -> None:
    with suppress(OSError):
        os.read(end, 4096)


def _call_when_done(pool: Any, callback: Any) -> None:
    apply = type(pool).on_apply.__get__(pool)

    def on_apply(*args: Any, **options: Any) -> Any:
        result = apply(*args, **options)
        result.f.add_done_callback(callback)
        return result

    pool.on_apply = on_apply


def install(app: Celery) -> None:
    """Make it part of the application's consumers."""
    app.steps["consumer"].add(WakeConsumer)
