"""Waiting for a database that is unavailable."""

from collections.abc import Callable
from time import sleep
from typing import TypeVar

from casework import events
from casework.errors import DatabaseUnavailable

T = TypeVar("T")


def until_database_is_back(what: str, act: Callable[[bool], T]) -> T | None:
    """Act until the database is available; `act` gets whether this is the first try. None after twenty minutes.

    The slot is kept meanwhile: a worker that is cut off must not take one message after another from the others.
    """
    for tries in range(1, 600):
        try:
            return act(tries == 1)
        except DatabaseUnavailable:
            events.emit(events.WriteDelayed(what, tries))
            sleep(min(2.0, 0.1 * tries))
    return None
