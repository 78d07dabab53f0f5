"""Keeping runs alive, as those who execute them see it."""

from typing import Protocol

from casework.agents.stop import Stop
from casework.core.effects import RunMessage


class Watch(Protocol):
    """The heartbeats, as the executor sees it."""

    def begin(self, message: RunMessage, stop: Stop) -> None:
        """Keep this run alive from now on; `stop` is asked when it is to stop."""

    def end(self, message: RunMessage) -> None:
        """Stop keeping it alive; does nothing if that was done before."""
