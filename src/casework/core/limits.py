"""Limits beside a consumer's concurrency: how many runs at once, and how many starts in a time, over a queue, an agent, or one in
the other; with a key, for each of its values. The arithmetic of a claim, without a database.

A limit has a line for each value of its key, and one line if it has no key. A line knows the runs that it has let through, and
its debt: a rate is kept with one moment, up to which starts have been paid for in advance (the generic cell rate algorithm).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

from casework.core.model import AgentId, CaseId, LimitId, LineId, QueueId
from casework.wording import counted

MOST = 1_000_000

_ROUNDING = 2e-6
"""Seconds: moments are whole microseconds, and who is told one may start then."""

_LATE = 0.25
"""Seconds that a tick may take to notice that one more may start."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` starts in each `seconds`, evenly; `burst` of them may follow each other at once after a pause."""

    count: int
    seconds: float
    burst: int = 1

    @property
    def interval(self) -> float:
        """Seconds between two starts."""
        return self.seconds / self.count

    def left(self, paid_until: datetime | None, now: datetime) -> int:
        """How many runs may start now."""
        debt = 0.0 if paid_until is None else max(0.0, (paid_until - now).total_seconds())
        return max(0, floor(self.burst - max(0.0, debt - _ROUNDING) / self.interval))

    def paid(self, paid_until: datetime | None, now: datetime, starts: int) -> datetime | None:
        """Up to which moment starts are paid for after so many of them now. One that comes a little late, as a tick does, does not
        put off those that follow it."""
        paid_until = self._within_burst(paid_until, now)
        if not starts:
            return paid_until
        late = timedelta(seconds=min(_LATE, self.interval / 2))
        since = paid_until if paid_until and now - paid_until <= late else now
        return since + timedelta(seconds=starts * self.interval)

    def next_at(self, paid_until: datetime | None, now: datetime) -> datetime:
        """When one more may start."""
        paid_until = self._within_burst(paid_until, now)
        if paid_until is None:
            return now
        return max(now, paid_until - timedelta(seconds=(self.burst - 1) * self.interval))

    def _within_burst(self, paid_until: datetime | None, now: datetime) -> datetime | None:
        """Nobody pays for more than a burst ahead. What is paid for further was so at another rate, or before the clock was set
        back."""
        return min(paid_until, now + timedelta(seconds=self.burst * self.interval)) if paid_until else None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a limit permits: runs at once, starts in a time, or both."""

    concurrency: int | None = None
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """How many runs at once, and how many starts in a time, over a queue, an agent, or an agent in a queue; with a key, for each
    of its values."""

    id: LimitId
    queue_id: QueueId | None
    queue_name: str | None
    agent_id: AgentId | None
    agent_name: str | None
    key: str | None
    bounds: Bounds
    created_at: datetime
    used: int
    """Runs that count against it now, over all values."""
    lines: int
    """Values that have runs, or cases that wait."""


def scope_in_words(agent_name: str | None, queue_name: str | None) -> str:
    """What a limit bounds: "agent courier in queue deliveries"."""
    return " in ".join(filter(None, (agent_name and f"agent {agent_name}", queue_name and f"queue {queue_name}")))


_TIMES = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86400.0: "day"}


def in_words(bounds: Bounds) -> str:
    """What is permitted, for people: "2 runs at once, 10 starts a minute"."""
    rate = bounds.rate
    parts = [f"{counted(bounds.concurrency, 'run')} at once" if bounds.concurrency else None]
    if rate:
        time = f"a {_TIMES[rate.seconds]}" if rate.seconds in _TIMES else f"in {rate.seconds:g} s"
        burst = f" with a burst of {rate.burst}" if rate.burst > 1 else ""
        parts.append(f"{counted(rate.count, 'start')} {time}{burst}")
    return ", ".join(filter(None, parts))


@dataclass(slots=True)
class Line:
    """A line that a claim has locked. `left` is how many runs may begin now, `tokens` how many of them its rate permits."""

    id: LineId
    limit_id: LimitId
    bounds: Bounds
    used: int
    paid_until: datetime | None
    now: datetime
    is_keyed: bool = False
    agent_id: AgentId | None = None
    """The only agent whose runs it bounds; None: those of all agents."""
    sole_queues: frozenset[QueueId] = frozenset()
    """The queues in which no other agent takes cases by itself."""
    waits: bool = False
    """Whether cases wait in it."""
    taken: int = 0
    is_gone: bool = False
    """Deleted while it was waited for: nothing passes until it is there again."""

    @property
    def left(self) -> int:
        if self.is_gone:
            return 0
        at_once = MOST if self.bounds.concurrency is None else self.bounds.concurrency - self.used - self.taken
        return max(0, min(at_once, self.tokens))

    @property
    def tokens(self) -> int:
        if self.bounds.rate is None:
            return MOST
        return self.bounds.rate.left(self.paid_until, self.now) - self.taken

    def paid_after(self) -> datetime | None:
        """Its moment after what was taken."""
        rate = self.bounds.rate
        return rate.paid(self.paid_until, self.now, self.taken) if rate else None

    def next_at(self) -> datetime | None:
        """When to look at the line: now, if cases wait that may begin; when the next one may start; or, with None, when a run
        that it let through has ended, or a case comes."""
        if self.is_keyed and not self.waits:
            return None
        if self.left:
            return self.now if self.is_keyed else None
        rate = self.bounds.rate
        return rate.next_at(self.paid_after(), self.now) if rate and self.tokens <= 0 else None


class Gates:
    """The lines that stand before the candidates of a claim."""

    def __init__(self, lines_of: Mapping[CaseId, Sequence[Line]]) -> None:
        self._lines_of = lines_of
        self.skipped = False
        """Whether a case was left where it is, because another agent may take it."""

    def all_lines(self) -> list[Line]:
        """Each line that was locked, once."""
        distinct = {line.id: line for lines in self._lines_of.values() for line in lines if not line.is_gone}
        return list(distinct.values())

    @property
    def lost(self) -> bool:
        """Whether a line was deleted before its lock came."""
        return any(line.is_gone for lines in self._lines_of.values() for line in lines)

    def lines(self, case_id: CaseId, agent_id: AgentId) -> list[Line]:
        """The lines that a case has to pass for that agent."""
        return [line for line in self._lines_of.get(case_id, ()) if line.agent_id in (None, agent_id)]

    def admit(self, case_id: CaseId, agent_id: AgentId) -> bool:
        """Whether the case may be given to that agent now."""
        return all(line.left for line in self.lines(case_id, agent_id))

    def take(self, case_id: CaseId, agent_id: AgentId) -> None:
        for line in self.lines(case_id, agent_id):
            line.taken += 1

    def give_back(self, case_id: CaseId, agent_id: AgentId) -> None:
        """What was planned was not claimed."""
        for line in self.lines(case_id, agent_id):
            line.taken -= 1

    def parks(self, case_id: CaseId, queue_id: QueueId, reserved_for: AgentId | None) -> LineId | None:
        """The line in which the case has to wait, whoever could take it; None if it stays where it is."""
        lines = self._lines_of.get(case_id, ())
        full = [line for line in lines if not line.left and not line.is_gone]
        if any(not line.is_keyed and line.agent_id is None for line in full):
            return None
        for line in full:
            if line.is_keyed and (line.agent_id is None or reserved_for or queue_id in line.sole_queues):
                return line.id
        self.skipped = self.skipped or bool(full)
        return None
