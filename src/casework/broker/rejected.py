"""Messages that casework did not send: dropped, counted, and logged at a limited rate."""

from collections import Counter
from threading import Lock
from time import monotonic

from casework import events

LOG_SECONDS = 10.0


class Rejected:
    """Counts rejected messages by their source, and emits one event for each source in ten seconds."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._next: dict[str, float] = {}
        self._lock = Lock()

    def add(self, source: str, reason: str) -> None:
        """Count a message that was dropped."""
        with self._lock:
            self._counts[source] += 1
            now, count = monotonic(), self._counts[source]
            if now < self._next.get(source, 0.0):
                return
            self._next[source] = now + LOG_SECONDS
        events.emit(events.MessageRejected(source, reason[:200], count))


rejected = Rejected()
"""The counter of this process."""
