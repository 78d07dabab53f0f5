"""What a ticker remembers from tick to tick. All of it may be lost: a tick without memory finds the same, and takes longer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from time import monotonic
from uuid import UUID

from casework.core.capacity import Room, Worker
from casework.core.shares import Shares
from casework.service.durations import RunDurations
from casework.service.scan_positions import ScanPositions
from casework.settings import Settings
from casework.store import processes
from casework.store.connection import Asked, Rows
from casework.store.consumers import FIRST_LANE, LaneKey, Pair
from casework.store.parked import FIRST_LINE

MOST_CONSUMERS = 100
"""Consumers that one round locks. If more of them wait, they take turns."""

WORKERS_SECONDS = 0.2
"""How long the list of workers is taken for true."""

UNDER_WAY = timedelta(seconds=5)
"""A message that a worker with a free slot did not take in this time is lost; the sweep sends it again."""


class Fleet:
    """The workers, what they have to do, and how it is shared."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._workers: Sequence[Worker] = ()
        self._asked = float("-inf")
        self.durations = RunDurations()
        self.shares = Shares()

    def statements(self) -> list[Asked]:
        """What to ask the database before each round."""
        ahead = self._settings.claim_ahead_seconds
        asked = [processes.loads_statement(long=timedelta(seconds=3 * ahead), under_way=UNDER_WAY)]
        if monotonic() >= self._asked + WORKERS_SECONDS:
            asked.append(processes.workers_statement(self._settings.worker_silence))
        return asked

    def ask_again(self) -> None:
        """Ask for the workers in the next round, however lately it was done: one of them may have asked for this tick."""
        self._asked = float("-inf")

    def room(self, answers: Sequence[Rows]) -> Room:
        """What the workers can begin, by the answers to the statements."""
        loads, *workers = answers
        if workers:
            self._workers, self._asked = [processes.read_worker(row) for row in workers[0]], monotonic()
        return Room(
            self._workers,
            [processes.read_load(row) for row in loads],
            self.durations.mean,
            self._settings.claim_ahead_seconds,
        )


@dataclass(slots=True)
class Ticker:
    """The memory of one ticker. Without a `fleet` it claims whatever consumers have slots for, as if workers had no limit."""

    name: str | None = None
    fleet: Fleet | None = None
    positions: ScanPositions = field(default_factory=ScanPositions)
    backlog: dict[Pair, None] = field(default_factory=dict)
    """Consumers that had something to claim when they were last looked at, in the order of their turns."""
    lane: LaneKey = FIRST_LANE
    """Where the next look around goes on."""
    looked_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    limited: bool = False
    """Whether the installation has limits whose lines are to be served."""
    parked_many: bool = False
    """Whether most of what the last round looked at has to wait, so that the next one looks at more."""
    line: UUID = FIRST_LINE
    """After which line the next beat looks for lines in which cases wait."""
    old_line: UUID = FIRST_LINE
    """After which line the next beat looks for lines that nobody needs."""
    wakes_at: float = inf
    """When a rate lets the next run start, by the monotonic clock."""

    def next_consumers(self) -> list[Pair]:
        """The consumers that a round takes, which thereby become the last."""
        turn = [pair for pair, _ in zip(self.backlog, range(MOST_CONSUMERS), strict=False)]
        if len(turn) < len(self.backlog):
            for pair in turn:
                self.backlog[pair] = self.backlog.pop(pair)
        return turn

    def remember(self, pairs: Iterable[Pair]) -> None:
        """These have something to claim."""
        self.backlog.update(dict.fromkeys(pairs))

    def forget(self, pairs: Iterable[Pair]) -> None:
        """These have nothing to claim, or another tick serves them."""
        for pair in pairs:
            self.backlog.pop(pair, None)
