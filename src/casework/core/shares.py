"""How consumers share workers: by weight, in slot time, so that a flood of cases in one queue does not hold up another.

Start-time fair queueing. Each consumer has a virtual time: the slot seconds of what it was given, divided by its weight.
Whoever has the least is next. A consumer that comes back after a pause begins at the present of the others: it gets no
credit for the time in which it had nothing to do, and owes nothing. So

- of consumers that always have cases, each gets slot time in proportion to its weight. They differ from that by no more than
  one run of each;
- nobody starves: while a consumer waits, every other one moves past it after a bounded number of its own runs;
- a consumer that is alone gets everything.
"""

from collections.abc import Hashable, Iterable

MIN_WEIGHT, MAX_WEIGHT = 0.01, 1000.0

REMEMBERED = 10_000
"""Consumers whose virtual time is remembered. Those that fell behind the present are forgotten first: nothing changes by that."""


class Shares:
    """The virtual times of the consumers that one ticker serves. Each ticker shares out what it claims itself."""

    def __init__(self) -> None:
        self._times: dict[Hashable, float] = {}
        self._present = 0.0

    def time(self, consumer: Hashable) -> float:
        """When it is the consumer's turn: the least time is next."""
        return max(self._times.get(consumer, 0.0), self._present)

    def charge(self, consumer: Hashable, seconds: float, weight: float = 1.0) -> None:
        """The consumer was given a run that is expected to hold a slot for `seconds`."""
        began = self.time(consumer)
        self._times[consumer] = began + seconds / weight
        if len(self._times) > REMEMBERED:
            self._times = {one: time for one, time in self._times.items() if time > self._present}

    def advance(self, waiting: Iterable[Hashable]) -> None:
        """Set the present: the least time of the consumers that still wait, which never goes back."""
        times = [self.time(consumer) for consumer in waiting]
        if times:
            self._present = max(self._present, min(times))
