"""Sleeping until something happens."""

import os
import select
import signal
from contextlib import suppress


class Wakeup:
    """A sleep that other threads end, and signals. Must be made in the main thread; there is one in a process."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        for end in (self.reader, self._writer):
            os.set_blocking(end, False)
        # Only signals that have a handler count: one that does nothing is enough.
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)

    def wake(self) -> None:
        """End the sleep, or the next one."""
        # If the pipe is full, it is awake already.
        with suppress(BlockingIOError):
            os.write(self._writer, b".")

    def sleep(self, seconds: float) -> None:
        """Sleep that long at most."""
        if select.select([self.reader], [], [], max(0.0, seconds))[0]:
            self.drain()

    def drain(self) -> None:
        """Forget why it was woken."""
        with suppress(BlockingIOError):
            os.read(self.reader, 4096)

    def close(self) -> None:
        """Let signals be as before, as in a fork."""
        signal.set_wakeup_fd(-1)
        for end in (self.reader, self._writer):
            os.close(end)
