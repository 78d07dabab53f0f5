"""Slots that tickers share out among flooded consumers, simulated: time passes at once, and runs take what a test says."""

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from casework.core.capacity import Load, Room, Worker
from casework.core.effects import RunMessage
from casework.core.plan import Candidate, Lane, Opening, assign
from casework.core.shares import Shares

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AHEAD = 0.1
SPACING = 0.01
"""Seconds from a tick that claimed to the next one."""


def consumer(number):
    return UUID(int=number + 1), UUID(int=number + 101)


@dataclass(frozen=True)
class Flood:
    """A consumer that always has cases, except while it is `away`."""

    weight: float
    length: Callable[[random.Random, float], float]
    """How long its next run takes, at a moment."""
    expected: float | None
    """How long the runs of its agent are taken to take."""
    away: Callable[[float], bool] = lambda now: False


def of(*lengths):
    """Runs of these lengths, drawn at random."""
    return lambda chance, now: chance.choice(lengths)


@dataclass(eq=False)
class Executed:
    number: int
    message: RunMessage
    seconds: float
    began: float | None = None

    def overlap(self, start, end):
        return 0.0 if self.began is None else max(0.0, min(end, self.began + self.seconds) - max(start, self.began))


@dataclass
class Ticker:
    shares: Shares = field(default_factory=Shares)
    given: dict[RunMessage, Executed] = field(default_factory=dict)

    def settle(self, now):
        for message in self.shares.unsettled(100):
            run = self.given[message]
            if run.began is not None and run.began + run.seconds <= now:
                self.shares.settle(message, run.seconds)
            elif run.began is not None:
                self.shares.goes_on(message, now - run.began)


class Simulation:
    def __init__(self, floods: Sequence[Flood], *, slots: int = 4, tickers: int = 1, seed: int = 0) -> None:
        self.floods, self.slots, self.chance = floods, slots, random.Random(seed)
        self.tickers = [Ticker() for _ in range(tickers)]
        self.runs: list[Executed] = []
        self._running: list[tuple[float, int, Executed]] = []
        self._waiting: deque[Executed] = deque()
        self._ids = count(1)

    def until(self, end: float) -> "Simulation":
        now = 0.0
        while now < end:
            self._tick(self.chance.choice(self.tickers), now)
            self._start(now)
            ended = self._running[0][0] if self._running else now
            now = max(ended, now + SPACING)
            while self._running and self._running[0][0] <= now:
                at, _, _ = heapq.heappop(self._running)
                self._start(at)
        return self

    def slot_time(self, start: float, end: float) -> list[float]:
        """What each consumer has had between two moments."""
        got = Counter()
        for run in self.runs:
            got[run.number] += run.overlap(start, end)
        return [got[number] for number in range(len(self.floods))]

    def _start(self, now):
        while self._waiting and len(self._running) < self.slots:
            run = self._waiting.popleft()
            run.began = now
            heapq.heappush(self._running, (now + run.seconds, next(self._ids), run))

    def _tick(self, ticker, now):
        ticker.settle(now)
        openings = [
            Opening(*consumer(number), True, 200, flood.weight)
            for number, flood in enumerate(self.floods)
            if not flood.away(now)
        ]
        room, shares = self._room(ticker), ticker.shares
        picks = assign(openings, self._candidates(openings), room, shares)
        for opening in openings:
            messages = [self._claim(ticker, pick, now) for pick in picks if pick.agent_id == opening.agent_id]
            if messages:
                shares.follow(opening.pair, messages, room.seconds(opening.pair), opening.weight)

    def _room(self, ticker):
        loads = Counter((consumer(run.number), None) for run in self._waiting)
        loads += Counter((consumer(run.number), "w") for _, _, run in self._running)
        known = {consumer(number)[1]: flood.expected for number, flood in enumerate(self.floods) if flood.expected}
        held = [Load(pair, "", worker, runs, 0) for (pair, worker), runs in loads.items()]
        return Room([Worker("w", "", self.slots, {})], held, known, AHEAD, ticker.shares.expected)

    def _candidates(self, openings):
        most = 10 * self.slots + 1
        return [
            Candidate(Lane.NONE, NOW, UUID(int=1000 * (place + 1) + nth), one.queue_id, None)
            for place, one in enumerate(openings)
            for nth in range(most)
        ]

    def _claim(self, ticker, pick, now):
        number = pick.agent_id.int - 101
        message = RunMessage(UUID(int=next(self._ids)), 1)
        run = Executed(number, message, self.floods[number].length(self.chance, now))
        ticker.given[message] = run
        self._waiting.append(run)
        self.runs.append(run)
        return message
