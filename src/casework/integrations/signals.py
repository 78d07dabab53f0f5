"""Keeps what ends an attempt from being swallowed: a stop, a wait for people, a lost case.

A framework, a tool or a hook between an adapter and its framework may catch it, or turn it into a text for the model. So the
adapter remembers what passed through its own code, and raises it after the call, whatever the framework made of it.
"""

from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager

from casework.errors import RunLost


class Signals:
    """The first signal of one attempt."""

    def __init__(self) -> None:
        self._first: BaseException | None = None

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Remember a signal that leaves the block."""
        try:
            yield
        except BaseException as error:
            if self._first is None and _is_signal(error):
                self._first = error
            raise

    def check(self) -> None:
        """Raise the signal, if there was one: nothing is begun after it."""
        if self._first is not None:
            raise self._first

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """Raise the signal at the end of the block, if there was one."""
        try:
            yield
        except BaseException as error:
            if self._first is None or self._first is error:
                raise
        self.check()


def _is_signal(error: BaseException) -> bool:
    """Cancellation is not one: it comes from outside, and asyncio itself keeps it."""
    return isinstance(error, RunLost) or not isinstance(error, Exception | CancelledError | GeneratorExit)
