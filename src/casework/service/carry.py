"""What a process carries from one run to the next: a completion that is written together with the next start.

A process that is given one short run after another then has one round trip for each and one wait for the disk, and not two.
"""

import logging
from collections import deque
from collections.abc import Callable
from threading import Event, Lock, Thread
from time import monotonic, sleep

from casework.core.model import RunMessage
from casework.service.completions import Done

CARRY_SECONDS = 0.01
"""A completion waits so long for the next start, and at most twice as long. Where there is work, that comes within 1 ms."""

SHORT_SECONDS = 0.05
"""A process that dies with a completion costs its case another attempt. What took longer is not put at stake."""


class Carry:
    """One process's. `write` writes a completion by itself."""

    def __init__(self, write: Callable[[Done], None]) -> None:
        self._write = write
        self._lock = Lock()
        self._carried: deque[Done] = deque()
        self._carries = Event()
        self._ended = float("-inf")
        self._follows_soon = False
        self._thread: Thread | None = None

    def keep(self, done: Done) -> bool:
        """Carry a completion, or say that it is to be written now: where nothing may come soon, or much depends on it."""
        self._ended = done.ended
        if __import__("os").environ.get("NOCARRY") or not (self._follows_soon and _is_cheap(done)):
            return False
        with self._lock:
            self._carried.append(done)
            self._ensure_thread()
        self._carries.set()
        return True

    def take(self, message: RunMessage) -> Done | None:
        """What can be written together with the start of that run; it is the caller's to write from now on."""
        self._follows_soon = monotonic() - self._ended < CARRY_SECONDS
        with self._lock:
            # Runs are locked in the order of their ids.
            if self._carried and self._carried[0].started.fence.run_id < message.run_id:
                return self._carried.popleft()
        return None

    def put_down(self, older_than: float = 0.0) -> None:
        """Write by itself what is carried for so many seconds."""
        while done := self._late(monotonic() - older_than):
            self._write(done)

    def _late(self, moment: float) -> Done | None:
        with self._lock:
            return self._carried.popleft() if self._carried and self._carried[0].ended <= moment else None

    def _ensure_thread(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._put_down_in_time, name="casework-carry", daemon=True)
            self._thread.start()

    def _put_down_in_time(self) -> None:
        """Sleeps while there is work: to wake it for each run would cost what is gained."""
        while self._carries.wait():
            self._carries.clear()
            sleep(CARRY_SECONDS)
            try:
                self.put_down(older_than=CARRY_SECONDS)
            except Exception:
                # The thread goes on for the others; that run is silent now, and is taken up again after its lease.
                logging.getLogger("casework").exception("carry.error")
            if self._carried:
                self._carries.set()


def _is_cheap(done: Done) -> bool:
    """Whether nothing waits for its end, and another attempt would be neither the last nor long."""
    started = done.started
    return (
        not started.limited
        and started.message.attempt == 1
        and started.holder.max_attempts > 1
        and done.ended - done.begun <= SHORT_SECONDS
    )
