"""A thread pool that wakes its consumer when a run has ended.

With prefetching off, a consumer whose slots are all in use stops reading from Redis. A process pool's results wake its
event loop; a thread's end does not, and the loop would notice the free slot up to a second later.
"""

import os
from contextlib import suppress
from typing import Any

from celery.concurrency.thread import TaskPool as ThreadPool


class TaskPool(ThreadPool):  # type: ignore[misc]  # Celery is untyped
    """Celery's pool of threads, each of which writes to a pipe at its end; the event loop reads it."""

    name = "threads"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)

    def register_with_event_loop(self, hub: Any) -> None:
        """Read the pipe. Called each time the loop starts, as after a lost connection."""
        hub.add_reader(self._reader, self._drain)

    def on_apply(self, *args: Any, **options: Any) -> Any:
        """Execute a task."""
        applied = super().on_apply(*args, **options)
        applied.f.add_done_callback(self._wake)
        return applied

    def _wake(self, _: Any) -> None:
        # A full pipe: the loop is awake already.
        with suppress(OSError):
            os.write(self._writer, b".")

    def _drain(self) -> None:
        with suppress(OSError):
            os.read(self._reader, 4096)
