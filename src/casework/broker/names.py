"""The names that casework uses in Redis. All but one begin with the installation's prefix, so that installations that share a
server, by design or by mistake, do not take each other's messages. Pub/sub ignores database numbers."""

from dataclasses import dataclass

from casework.core.model import RunId

RUNS = "runs"
TICKS = "ticks"


def runs_of(group: str) -> str:
    """The queue of messages for a group of workers; "" for the workers without a group."""
    return f"{RUNS}.{group}" if group else RUNS


INSTALLATIONS = "casework:installations"
"""The key of those that use this Redis: the one name that all of them share."""


@dataclass(frozen=True, slots=True)
class Names:
    """Keys and channels of one installation."""

    prefix: str

    @property
    def runs(self) -> str:
        """The list of messages for workers."""
        return f"{self.prefix}{RUNS}"

    def runs_for(self, group: str) -> str:
        """The list of messages for a group of workers."""
        return f"{self.prefix}{runs_of(group)}"

    @property
    def ticks(self) -> str:
        """The list of messages for tickers."""
        return f"{self.prefix}{TICKS}"

    @property
    def nudges(self) -> str:
        """The list of nudges: requests for a tick now."""
        return f"{self.prefix}nudges"

    @property
    def stops(self) -> str:
        """The channel of runs that were asked to stop."""
        return f"{self.prefix}stops"

    def deltas(self, run_id: RunId) -> str:
        """The channel of what a run streams."""
        return f"{self.prefix}deltas:{run_id}"
