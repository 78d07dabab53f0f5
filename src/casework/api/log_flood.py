"""Limits the log lines that requests without a key can cause."""

import logging
from collections.abc import Callable
from threading import Lock
from time import monotonic

WINDOW_SECONDS = 10.0
MOST = 50
"""Lines of one kind in a window."""


class FloodFilter(logging.Filter):
    """Drops log lines of a kind once a window has too many; the first line of the next window says how many were
    dropped.

    A request with a valid key has the key's own limit, and its line always passes.
    """

    def __init__(
        self, most: int = MOST, seconds: float = WINDOW_SECONDS, clock: Callable[[], float] = monotonic
    ) -> None:
        super().__init__()
        self._most, self._seconds, self._clock = most, seconds, clock
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}
        self._lock = Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        ids = getattr(record, "ids", {})
        if ids.get("key") is not None:
            return True
        # The message without its arguments, so that each logging call in the code is one kind.
        kind = record.name, str(record.msg)[:100]
        with self._lock:
            now = self._clock()
            begun, count = self._windows.get(kind, (now, 0))
            left_out = 0
            if now - begun >= self._seconds:
                left_out, begun, count = max(0, count - self._most), now, 0
            if kind not in self._windows and len(self._windows) >= 1000:
                self._windows.clear()
            self._windows[kind] = begun, count + 1
        if left_out:
            record.ids = {**ids, "left_out": left_out}
        return count < self._most
