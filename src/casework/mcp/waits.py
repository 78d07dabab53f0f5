"""Calls that wait: how many there may be, and when they look."""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from casework.errors import Conflict

T = TypeVar("T")

FIRST_SECONDS, LONGEST_SECONDS = 0.1, 1.0
"""A call that waits looks at once, then more and more rarely."""


def _never() -> bool:
    return False


class Waits:
    """The calls of one process that wait. Each looks by itself; so their number is limited for each caller."""

    def __init__(self, most_of_caller: int, ending: Callable[[], bool] = _never) -> None:
        self._most_of_caller = most_of_caller
        self._of_caller: Counter[str] = Counter()
        self.ending = ending
        """Whether the process is about to stop; calls then end their wait."""

    def has_room(self, identity: str) -> bool:
        """Whether one more call of that caller may wait."""
        return self._of_caller[identity] < self._most_of_caller

    async def until(self, identity: str, look: Callable[[], T | None], seconds: float) -> T | None:
        """What `look`, called in a thread, finds within that time; None if that is nothing. Raises Conflict at the limit."""
        if not self.has_room(identity):
            raise Conflict(
                f"{self._most_of_caller} calls of this key are waiting already: end one, or give wait_seconds 0."
            )
        self._of_caller[identity] += 1
        try:
            return await self._look(look, seconds)
        finally:
            self._of_caller[identity] -= 1
            self._of_caller += Counter()

    async def _look(self, look: Callable[[], T | None], seconds: float) -> T | None:
        ends, pause = anyio.current_time() + seconds, FIRST_SECONDS
        while True:
            found = await anyio.to_thread.run_sync(look)
            left = ends - anyio.current_time()
            if found is not None or left <= 0 or self.ending():
                return found
            await anyio.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_SECONDS)
