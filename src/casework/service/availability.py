"""Waiting for a database that is unavailable."""

from collections.abc import Callable
from time import sleep
from typing import TypeVar

from casework import events
from casework.errors import DatabaseUnavailable

T = TypeVar("T")


def until_database_is_back(what: str, act: Callable[[bool], T]) -> T | None:
    """Call `act` until the database is available; its argument says whether this is the first try. Returns None after
    twenty minutes. The slot stays occupied meanwhile, so that a worker that is cut off does not take one message after
    the other.
    """
    for tries in range(1, 600):
        try:
            return act(tries == 1)
        except DatabaseUnavailable:
            events.emit(events.WriteDelayed(what, tries))
            sleep(min(2.0, 0.1 * tries))
    return None
