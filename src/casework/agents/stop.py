"""Asking a run to stop, and the signals that unwind it.

The signals derive from BaseException, so that an agent's `except Exception` does not swallow them.
"""

import threading
from collections.abc import Callable

from casework.core.requests import Placed


class Interrupted(BaseException):
    """The run was asked to stop, or no longer holds its case."""


class Suspended(BaseException):
    """The run waits for people; it starts from its top when the answer is there."""

    def __init__(self, *placed: Placed) -> None:
        """`placed` are the requests of one wait: the run goes on when all of them are answered."""
        super().__init__(", ".join(one.request.title for one in placed))
        self.placed = placed


class Stop:
    """One run's stop request: set once by the thread of heartbeats, seen by the agent's."""

    def __init__(self) -> None:
        self._requested = False
        self._event: threading.Event | None = None
        """Made when it is first waited for, because most runs never do, and it costs more than the rest of a stop."""
        self._lock = threading.Lock()
        self._wake: Callable[[], object] | None = None
        self._give_up: Callable[[], object] | None = None

    @property
    def requested(self) -> bool:
        return self._requested

    def request(self) -> None:
        with self._lock:
            self._requested = True
            wake = self._wake
            if self._event:
                self._event.set()
        if wake:
            wake()

    def on_request(self, wake: Callable[[], object]) -> None:
        """Call `wake` when the run is asked to stop; at once if it was asked before."""
        with self._lock:
            self._wake = wake
            already = self._requested
        if already:
            wake()

    def on_overstay(self, give_up: Callable[[], object]) -> None:
        """Call `give_up` whenever a heartbeat finds that the agent goes on although its time to stop is over."""
        self._give_up = give_up

    def overstay(self) -> None:
        """The agent goes on although its time to stop is over: what it shares with others is to be freed for them."""
        if self._give_up:
            self._give_up()

    def wait(self, seconds: float) -> bool:
        """Wait up to that long for a stop request; False if none came."""
        with self._lock:
            self._event = self._event or threading.Event()
            if self._requested:
                return True
        return self._event.wait(seconds)

    def check(self) -> None:
        """Raise Interrupted if the run was asked to stop."""
        if self._requested:
            raise Interrupted
