"""How much work the workers can begin: the arithmetic of late claims, without a database.

A tick claims what workers can begin now, and little ahead of that, so that the order of cases is decided late. Everything is
counted in slots. A run that takes `ahead` seconds or longer weighs a whole slot, as does one of unknown duration; a shorter run
weighs its part of `ahead`. So a slot is full with one long run, or with short ones that take `ahead` seconds together.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from casework.core.model import AgentId, QueueId

SHORTEST_SECONDS = 0.0005
"""No run counts as shorter: a slot never has more than `ahead` / 0.5 ms runs ahead of it. By default that is two full messages:
one that is executed, and one that waits."""

UNKNOWN_SECONDS = 0.1
"""What a run is charged for while nobody knows how long it takes."""

_ROUNDING = 1e-9

Pair = tuple[QueueId, AgentId]
"""A consumer."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that was seen lately."""

    id: str
    group: str
    """The group whose runs it serves; "" for runs of agents without a group."""
    slots: int
    """How many runs it executes at once, without slots that agents hold which do not end."""
    cannot_run: Mapping[AgentId, str]
    """Agents that it lacks, and why."""


@dataclass(frozen=True, slots=True)
class Load:
    """Runs of one consumer that were claimed and have not ended."""

    consumer: Pair
    group: str
    worker: str | None
    """Who executes them; None if they have not started."""
    runs: int
    long: int
    """How many of them have run for longer than a short run takes, whatever was expected."""


class Room:
    """What is left of the workers' slots. `take` uses it up, claim by claim."""

    def __init__(
        self,
        workers: Iterable[Worker],
        loads: Iterable[Load],
        seconds_of: Mapping[AgentId, float],
        ahead: float,
        expected: Callable[[Pair], float | None] | None = None,
    ) -> None:
        """`expected` says how long the runs of a consumer take, if that is known, and `seconds_of` how long those of its agent
        take on average. Runs of which neither is known are long."""
        self._seconds_of, self._ahead, self._expected = seconds_of, ahead, expected
        self._workers = tuple(workers)
        used: dict[str, float] = defaultdict(float)
        self._unstarted: dict[AgentId, float] = defaultdict(float)
        self._left: dict[str, float] = defaultdict(float)
        for load in loads:
            weight = self.weight(load.consumer)
            if load.worker is None:
                self._unstarted[load.consumer[1]] += load.runs * weight
                self._left[load.group] -= load.runs * weight
            else:
                used[load.worker] += load.long + (load.runs - load.long) * weight
        # What a worker executes fills its own slots at most.
        self._free = {one.id: max(0.0, one.slots - used[one.id]) for one in self._workers}
        for one in self._workers:
            self._left[one.group] += self._free[one.id]

    def weight(self, consumer: Pair) -> float:
        """How much of a slot a run of the consumer takes."""
        seconds = self._seconds(consumer)
        if seconds is None or seconds >= self._ahead:
            return 1.0
        return max(seconds, SHORTEST_SECONDS) / max(self._ahead, SHORTEST_SECONDS)

    def seconds(self, consumer: Pair) -> float:
        """How long a run of the consumer is expected to hold a slot."""
        seconds = self._seconds(consumer)
        return max(UNKNOWN_SECONDS if seconds is None else seconds, SHORTEST_SECONDS)

    def fits_group(self, consumer: Pair, group: str) -> bool:
        """Whether the workers of the group have room for one more run of the consumer."""
        return self._left[group] + _ROUNDING >= self.weight(consumer)

    def fits(self, consumer: Pair, group: str) -> bool:
        """Whether workers that can run the agent have room for one more run."""
        return self._left_for(consumer[1], group) + _ROUNDING >= self.weight(consumer)

    def runs_that_fit(self, consumer: Pair, group: str) -> int:
        """How many more runs of the consumer workers have room for."""
        return max(0, int(self._left_for(consumer[1], group) / self.weight(consumer) + _ROUNDING))

    def take(self, consumer: Pair, group: str, runs: int = 1) -> None:
        """Use up the room for new runs."""
        self._left[group] -= runs * self.weight(consumer)
        self._unstarted[consumer[1]] += runs * self.weight(consumer)

    def is_full(self) -> bool:
        """Whether no group has room for anything, however short."""
        return all(left <= _ROUNDING for left in self._left.values())

    def _seconds(self, consumer: Pair) -> float | None:
        seconds = self._expected(consumer) if self._expected else None
        return self._seconds_of.get(consumer[1]) if seconds is None else seconds

    def _left_for(self, agent: AgentId, group: str) -> float:
        left = self._left[group]
        if not any(agent in one.cannot_run for one in self._workers if one.group == group):
            return left
        able = sum(self._free[one.id] for one in self._workers if one.group == group and agent not in one.cannot_run)
        return min(left, able - self._unstarted[agent])
