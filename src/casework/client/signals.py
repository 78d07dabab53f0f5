"""Ctrl-C and SIGTERM while an agent works: its run is released first, and then the signal does what it would have done."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

from casework.agents.stop import Interrupted, Stop

_ENDING = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Within this context the first signal to end is noted, and `on_signal` called; the next one does what it did before.

    Only the main thread receives signals; in another one the context does nothing.
    """

    def __init__(self, on_signal: Callable[[], object] = lambda: None) -> None:
        self.received: int | None = None
        self._on_signal = on_signal
        self._before: dict[int, Any] = {}
        self._interrupts = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _ENDING:
                # One that is ignored stays so, as `nohup` wants it; one that C code handles cannot be put back.
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        self._put_back()
        if self.received is not None:
            signal.raise_signal(self.received)

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Within this block a signal raises Interrupted, whatever the main thread is doing."""
        if self.received is not None:
            raise Interrupted
        self._interrupts = True
        try:
            yield
        finally:
            self._interrupts = False

    def _receive(self, number: int, _: FrameType | None) -> None:
        self.received = number
        self._put_back()
        self._on_signal()
        if self._interrupts:
            self._interrupts = False
            raise Interrupted

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


class SignalledStop(Stop):
    """A stop that a signal requests too. A signal's handler may not set the event: the thread that it interrupts may
    hold the event's lock."""

    def __init__(self, signals: Signals) -> None:
        super().__init__()
        self._signals = signals

    @property
    def requested(self) -> bool:
        return super().requested or self._signals.received is not None

    def check(self) -> None:
        if self.requested:
            raise Interrupted
