"""Runs that go on although they are no longer this worker's: stopped, timed out, fenced out, and the agent does not look up.

A pool's process that holds one is killed, and the pool replaces it: nothing else shares the process. A thread cannot be
ended: its slot is lost, which is told, and the worker ends once nothing else runs, for whatever started it to replace it.
"""

import os
import signal
from collections.abc import Hashable, Iterable, Mapping
from contextlib import suppress
from typing import Generic, TypeVar

from casework import events
from casework.core.effects import Bundle

Key = TypeVar("Key", bound=Hashable)


class Overstayed(Generic[Key]):
    """What heartbeats have seen of such runs. `grace` is how many seconds an agent has to look up."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._held: set[Key] = set()
        self._since: dict[Key, float] = {}

    def look(self, executing: Mapping[Key, bool], now: float) -> list[Key]:
        """Those of what is executed now that hold nothing any more, did so before, and have had the grace.

        `executing` says of each whether it still holds a case. What never held one may be about to start.
        """
        self._held = {key for key in executing if executing[key] or key in self._held}
        over = {key for key in self._held if not executing[key]}
        self._since = {key: self._since.get(key, now) for key in over}
        return [key for key, since in self._since.items() if now - since >= self._grace]


def kill_processes(worker: str, overdue: Iterable[tuple[int, Bundle]]) -> None:
    """Kill the pool's processes that hold such runs."""
    for pid, _ in overdue:
        events.emit(events.ProcessKilled(worker, pid))
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
