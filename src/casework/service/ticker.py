"""What a ticker remembers from tick to tick. All of it may be lost: a tick without memory finds the same, and takes longer."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from time import monotonic
from uuid import UUID

from casework.core.capacity import Load, Pair, Room, Worker
from casework.core.shares import Shares
from casework.service.durations import RunDurations
from casework.service.scan_positions import ScanPositions
from casework.settings import Settings
from casework.store import processes, slot_time
from casework.store.connection import Asked, Rows
from casework.store.consumers import FIRST_LANE, LaneKey
from casework.store.parked import FIRST_LINE
from casework.store.stuck import Lookout

MOST_CONSUMERS = 100
"""Consumers that one round locks. If more of them wait, they take turns."""

WORKERS_SECONDS = 0.2
"""How long the list of workers is taken for true."""

MOST_SETTLED = 100
"""Runs that a round asks about, by their keys, while consumers compete: it is seldom that more have been claimed since the last one."""

LONG = timedelta(seconds=1)
"""A run that has been executed for so long has held its slot alone, even if it shares a message."""

UNDER_WAY = timedelta(seconds=5)
"""A message that a worker with a free slot did not take in this time is lost; the sweep sends it again."""


class Fleet:
    """The workers, what they have to do, and how it is shared."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._workers: Sequence[Worker] = ()
        self._loads: Sequence[Load] = ()
        self._asked = float("-inf")
        self._readers: Sequence[Callable[[Rows], None]] = ()
        self._compete = False
        self.durations = RunDurations()
        self.shares = Shares()

    def statements(self) -> list[Asked]:
        """What to ask the database before each round."""
        ahead = self._settings.claim_ahead_seconds
        loads = processes.loads_statement(long=timedelta(seconds=3 * ahead), under_way=UNDER_WAY)
        asked: list[tuple[Asked, Callable[[Rows], None]]] = [(loads, self._read_loads)]
        if monotonic() >= self._asked + WORKERS_SECONDS:
            asked.append((processes.workers_statement(self._settings.worker_silence), self._read_workers))
        if self._compete and (given := self.shares.unsettled(MOST_SETTLED)):
            asked.append((slot_time.statement(given, long=LONG, under_way=UNDER_WAY), self._settle))
        self._readers = [reader for _, reader in asked]
        return [statement for statement, _ in asked]

    def ask_again(self) -> None:
        """Ask for the workers in the next round, however lately it was done: one of them may have asked for this tick."""
        self._asked = float("-inf")

    def room(self, answers: Sequence[Rows], *, compete: bool) -> Room:
        """What the workers can begin, by the answers to the statements. `compete` says whether several consumers want it: then
        what their own runs take is measured, from the next round on."""
        for read, rows in zip(self._readers, answers, strict=True):
            read(rows)
        self._compete = compete
        return Room(
            self._workers,
            self._loads,
            self.durations.mean,
            self._settings.claim_ahead_seconds,
            self.shares.expected if compete else None,
        )

    def _read_loads(self, rows: Rows) -> None:
        self._loads = [processes.read_load(row) for row in rows]

    def _read_workers(self, rows: Rows) -> None:
        self._workers, self._asked = [processes.read_worker(row) for row in rows], monotonic()

    def _settle(self, rows: Rows) -> None:
        for one in map(slot_time.read, rows):
            if one.ended:
                self.shares.settle(one.message, one.seconds)
            else:
                self.shares.goes_on(one.message, one.seconds or 0.0)


@dataclass(slots=True)
class Ticker:
    """The memory of one ticker. Without a `fleet` it claims whatever consumers have slots for, as if workers had no limit."""

    name: str | None = None
    fleet: Fleet | None = None
    positions: ScanPositions = field(default_factory=ScanPositions)
    backlog: dict[Pair, int] = field(default_factory=dict)
    """Consumers that had something to claim when they were last looked at, in the order of their turns, and how many times in a
    row they could not be locked since."""
    patience: int = 10
    """How many times that may be: mostly another tick was serving them, and they still want their share."""
    lane: LaneKey = FIRST_LANE
    """Where the next look around goes on."""
    looks_again: bool = False
    """Whether slots came free in queues that nobody named."""
    looked_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    lookout: Lookout = field(default_factory=Lookout)
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
        self.backlog.update(dict.fromkeys(pairs, 0))

    def miss(self, pairs: Iterable[Pair]) -> None:
        """These could not be locked: another tick serves them, or they are gone."""
        for pair in pairs:
            self.backlog[pair] += 1
        self.forget([pair for pair in pairs if self.backlog[pair] > self.patience])

    def forget(self, pairs: Iterable[Pair]) -> None:
        """These have nothing to claim, or are gone."""
        for pair in pairs:
            self.backlog.pop(pair, None)
            if self.fleet:
                self.fleet.shares.forget_expected(pair)
