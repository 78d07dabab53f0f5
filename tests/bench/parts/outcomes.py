"""The start and the outcome of a run, against one statement each of the bare driver on the same tables."""

from collections import deque
from time import perf_counter
from uuid import UUID

from bench import raw_sql, seed
from bench.figures import Figure, alternate, at_least, at_most, compared
from bench.ground import Ground, raw
from bench.statements import counted
from casework.agents.outcomes import Complete
from casework.agents.results import Returned
from casework.core.effects import RunMessage
from casework.core.model import RunId
from casework.service.dispatch import claim_round
from casework.service.execution.attempt import Attempt, start
from casework.service.execution.outcomes import finish
from casework.wiring import Casework

PIECE = 10


class Work:
    """Claimed runs, taken by either side in turn, ten by ten."""

    def __init__(self, casework: Casework) -> None:
        self.casework = casework
        self.connection = raw(casework)
        self.queue = seed.worked_queue(casework)[0].id
        self.claimed: deque[tuple[UUID, UUID]] = deque()
        self.started: list[Attempt] = []
        self.raw_started: list[tuple[UUID, UUID]] = []

    def take(self, count: int) -> list[tuple[UUID, UUID]]:
        """Claimed runs, with their cases."""
        if len(self.claimed) < count:
            seed.pending(self.casework, self.queue, 1000)
            while claim_round(self.casework.db).claimed:
                pass
            rows = self.connection.execute("select id, case_id from runs where status = 'pending' order by id")
            self.claimed = deque(rows.fetchall())
        return [self.claimed.popleft() for _ in range(count)]

    def start(self) -> float:
        """Rate of the product."""
        messages = [RunMessage(RunId(run), 1) for run, _ in self.take(PIECE)]
        begun = perf_counter()
        found = [start(self.casework.db, self.casework.settings, (message,), "bench") for message in messages]
        spent = perf_counter() - begun
        self.started = [one for started in found for one in started]
        return PIECE / spent

    def raw_start(self) -> float:
        """Rate of the driver."""
        self.raw_started = self.take(PIECE)
        begun = perf_counter()
        for run, _ in self.raw_started:
            raw_sql.start(self.connection, run)
        return PIECE / (perf_counter() - begun)

    def outcome(self) -> float:
        """Rate of the product."""
        for one in self.started:
            one.result = Returned(Complete())
        begun = perf_counter()
        ends = [finish(self.casework.db, self.casework.settings, one) for one in self.started]
        spent = perf_counter() - begun
        assert ends == ["completed"] * PIECE, ends
        return PIECE / spent

    def raw_outcome(self) -> float:
        """Rate of the driver."""
        begun = perf_counter()
        ended = sum(raw_sql.complete(self.connection, run, case) for run, case in self.raw_started)
        spent = perf_counter() - begun
        assert ended == PIECE, ended
        return PIECE / spent

    def close(self) -> None:
        """Close its connections."""
        self.connection.close()
        self.casework.close()


def measure(ground: Ground) -> list[Figure]:
    """One connection each, one after the other."""
    work = Work(ground.casework("outcomes"))
    series = alternate(
        ground.rounds,
        {"start": work.start, "raw start": work.raw_start, "outcome": work.outcome, "raw outcome": work.raw_outcome},
        ground.say,
        ground.size(40, 5),
    )
    message = RunMessage(RunId(work.take(1)[0][0]), 1)
    with counted() as starting:
        (started,) = start(work.casework.db, work.casework.settings, (message,), "bench")
    started.result = Returned(Complete())
    with counted() as ending:
        finish(work.casework.db, work.casework.settings, started)
    return [
        compared(series, "start", "/s", "raw start", at_least(0.8)),
        compared(series, "raw start", "/s"),
        Figure("start, statements", "", [len(starting)], target=at_most(1)),
        compared(series, "outcome", "/s", "raw outcome", at_least(0.8)),
        compared(series, "raw outcome", "/s"),
        Figure("outcome, statements", "", [len(ending)], target=at_most(1)),
    ]
