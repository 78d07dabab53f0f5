"""How consumers share workers: by weight, in slot time, so that a flood of cases in one queue does not hold up another.

Start-time fair queueing. Each consumer has a virtual time: the slot seconds of what it was given, divided by its weight.
Whoever has the least is next. How long a run takes shows when it ends, so what a consumer was given is

- charged at once with what its runs are expected to take: what they took lately, or else what those of its agent did;
- settled when the run has ended, with what it took. A run that goes on for longer than it was charged with is charged with what it
  has taken so far.

A consumer that comes back after a pause begins at the present: the least of what those that wait have had, without what is not
settled. It gets no credit for the time in which it had nothing to do, and owes nothing. So

- of consumers that always have cases, each gets slot time in proportion to its weight, whether or not their runs take as long
  as expected. They differ from that by no more than what each of them has in slots;
- nobody starves: while a consumer waits, every other one moves past it after a bounded number of its own runs, and it does not
  wait for what others were only expected to take;
- a consumer that is alone gets everything, and nothing needs to be settled.
"""

import random
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from casework.core.effects import RunMessage

MIN_WEIGHT, MAX_WEIGHT = 0.01, 1000.0

REMEMBERED = 10_000
"""Consumers whose virtual time is remembered. Those that fell behind the present are forgotten first: nothing changes by that."""

FOLLOWED = 2_000
"""Runs that are followed until they end. What becomes of the oldest of more than that is not asked: they took what was expected."""

SAMPLE = 32
"""How many of the runs that a consumer was given together are followed. More of them are short, and a few stand for all."""

LEAST, RECENT = 5, 10
"""Of so many runs an expectation is the mean. Fewer make it longer, and never shorter."""


@dataclass(slots=True)
class _Account:
    """What a consumer has had."""

    time: float
    unsettled: float = 0.0
    """How much of its virtual time is for runs that are followed and have not ended."""
    followed: int = 0
    mean: float = 0.0
    """What its runs took lately, in seconds."""
    measured: int = 0
    """How many of them there were, up to RECENT."""
    assumed: float = 0.0
    """What they were expected to take before any was measured."""
    late: int = 0
    """Runs that go on for longer than was expected, and what they have taken together."""
    late_seconds: float = 0.0

    def expected(self) -> float | None:
        """By what has ended and what has not: the short ones end first, and say little without the others."""
        if not self.shown:
            return None
        seconds = (self.mean * self.measured + self.late_seconds) / (self.measured or self.late)
        return seconds if self.shown >= LEAST else max(seconds, self.assumed)

    @property
    def shown(self) -> int:
        """How many of its runs show how long they take."""
        return self.measured + self.late


@dataclass(slots=True)
class _Given:
    """A run that is followed."""

    account: _Account
    charged: float
    """Seconds."""
    share: float
    """How much virtual time a second of it is."""
    late: bool = False
    """Whether it goes on for longer than was expected."""


class Shares:
    """The virtual times of the consumers that one ticker serves. Each ticker shares out what it claims itself."""

    def __init__(self) -> None:
        self._accounts: dict[Hashable, _Account] = {}
        self._given: dict[RunMessage, _Given] = {}
        self._present = 0.0

    def time(self, consumer: Hashable) -> float:
        """When it is the consumer's turn: the least time is next."""
        account = self._accounts.get(consumer)
        return max(account.time, self._present) if account else self._present

    def expected(self, consumer: Hashable) -> float | None:
        """How many seconds the consumer's runs took lately, as far as they were settled."""
        account = self._accounts.get(consumer)
        return account.expected() if account else None

    def tries(self, consumer: Hashable) -> int | None:
        """How many runs it may be given for now while too few of its own have shown how long they take; None if enough have."""
        account = self._accounts.get(consumer)
        if not account:
            return LEAST
        return max(0, LEAST - account.followed) if account.shown < LEAST else None

    def charge(self, consumer: Hashable, seconds: float, weight: float = 1.0) -> None:
        """The consumer was given a run that is expected to hold a slot for `seconds`."""
        time = self.time(consumer) + seconds / weight
        account = self._accounts.get(consumer)
        if account:
            account.time = time
            return
        self._accounts[consumer] = _Account(time)
        if len(self._accounts) > REMEMBERED:
            self._accounts = {
                one: account
                for one, account in self._accounts.items()
                if account.followed or account.time > self._present
            }

    def charge_alone(self, consumer: Hashable, seconds: float, weight: float = 1.0) -> None:
        """The same while no other consumer waits. Nothing of it is settled, so what its runs took before is forgotten: it would
        be old by the time at which another one comes. That one is next: the present is where this charge begins."""
        self.advance([consumer])
        self.charge(consumer, seconds, weight)
        self.forget_expected(consumer)

    def advance(self, waiting: Iterable[Hashable]) -> None:
        """Set the present: the least settled time of the consumers that wait. It never goes back."""
        times = [self._settled(consumer) for consumer in waiting]
        if times:
            self._present = max(self._present, min(times))

    def follow(self, consumer: Hashable, runs: Sequence[RunMessage], seconds: float, weight: float = 1.0) -> None:
        """Each of these runs of the consumer was charged with `seconds`, and is to be settled."""
        account = self._accounts.get(consumer)
        if not account:
            return
        followed = runs if len(runs) <= SAMPLE else random.sample(runs, SAMPLE)
        for run in followed:
            self._given[run] = _Given(account, seconds, len(runs) / len(followed) / weight)
        if not account.measured:
            account.assumed = seconds
        account.followed += len(followed)
        account.unsettled += len(runs) * seconds / weight
        for run in list(islice(self._given, max(0, len(self._given) - FOLLOWED))):
            self.settle(run, None)

    def unsettled(self, most: int) -> list[RunMessage]:
        """Up to `most` of the runs that are followed, other ones than the last time as far as there are any."""
        runs = list(islice(self._given, most))
        for run in runs:
            self._given[run] = self._given.pop(run)
        return runs

    def settle(self, run: RunMessage, seconds: float | None) -> None:
        """The run has ended, and held its slot for `seconds`. If that is not known, it took what it was charged with."""
        given = self._given.pop(run, None)
        if not given:
            return
        account = given.account
        account.followed -= 1
        account.unsettled = account.unsettled - given.charged * given.share if account.followed else 0.0
        if given.late:
            account.late -= 1
            account.late_seconds -= given.charged
        if seconds is not None:
            account.time += (seconds - given.charged) * given.share
            account.measured = min(account.measured + 1, RECENT)
            account.mean += (seconds - account.mean) / account.measured

    def goes_on(self, run: RunMessage, seconds: float) -> None:
        """The run has held its slot for `seconds`, and has not ended."""
        given = self._given.get(run)
        if not given or seconds <= given.charged:
            return
        account, more = given.account, seconds - given.charged
        account.time += more * given.share
        account.unsettled += more * given.share
        account.late_seconds += more if given.late else seconds
        account.late += not given.late
        given.charged, given.late = seconds, True

    def forget_expected(self, consumer: Hashable) -> None:
        """What its runs took will be old when they are expected to take it again."""
        account = self._accounts.get(consumer)
        if account:
            account.measured = 0

    def _settled(self, consumer: Hashable) -> float:
        account = self._accounts.get(consumer)
        return self.time(consumer) - (account.unsettled if account else 0.0)
