"""Ticks beside 1, 10, 100 and 10,000 queues: one that finds nothing to do, its sweep alone, and one that claims 100 cases."""

from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from time import perf_counter
from uuid import UUID

from bench import seed
from bench.figures import Figure, alternate, at_most, compared
from bench.ground import Ground, raw
from bench.statements import counted
from casework.core.effects import News
from casework.core.model import QueueId
from casework.service.dispatch import tick
from casework.service.sweep import sweep
from casework.service.ticker import Fleet, Ticker
from casework.store import processes
from casework.wiring import Casework

SIZES = (1, 10, 100, 10_000)
BASE = 10
POSTPONED = 2
TICKS = 5
CLAIMS = 2
PIECES = 8
"""The sizes take turns piece by piece, so that a machine that is slow for a second is slow for all of them."""


@dataclass
class Installation:
    """Queues with a consumer each, whose cases are postponed until tomorrow."""

    casework: Casework
    queues: int
    ticker: Ticker = field(init=False)
    chosen: UUID = field(init=False)

    def __post_init__(self) -> None:
        casework = self.casework
        self.ticker = Ticker("bench", Fleet(casework.settings))
        queue, agent = seed.worked_queue(casework)
        self.chosen = queue.id
        self.connection = raw(casework)
        execute = self.connection.execute
        execute(
            "insert into queues (id, team_id, name) select gen_random_uuid(), %s, 'queue ' || n from generate_series(2, %s) n",
            (casework.team_id, self.queues),
        )
        execute(
            "insert into consumers (queue_id, agent_id, trigger) select id, %s, true from queues where id <> %s",
            (agent.id, queue.id),
        )
        execute(
            "insert into cases (id, queue_id, title, data, status, priority, ready_at, postponed_to, created_at, updated_at) "
            "select gen_random_uuid(), q.id, 'case', '\"\"', 'postponed', 0, t, t, now(), now() "
            "from queues q, generate_series(1, %s), lateral (select now() + interval '1 day' as t) l",
            (POSTPONED,),
        )
        execute("vacuum (analyze) queues, consumers")
        seed.settled(self.connection)
        with casework.db.begin() as tx:
            processes.seen(tx, "w", "worker", timedelta(days=1), processes.Report(slots=1000))
            tx.sql("update processes set seen_at = now() + interval '1 day'")

    def idle(self) -> float:
        """Milliseconds of a beat's tick that finds nothing."""
        return self._timed(lambda: self._tick(News(), sweeping=True), TICKS)

    def sweep(self) -> float:
        """Milliseconds of the part that looks for what got stuck, and finds nothing."""
        return self._timed(lambda: sweep(self.casework.db, self.casework.settings), TICKS)

    def claims(self) -> float:
        """Milliseconds of a nudged tick that claims 100 cases and sends them."""
        spent = []
        for _ in range(CLAIMS):
            seed.add(self.connection, self.chosen, 1, 100)
            spent.append(self._timed(lambda: self._claim(100), 1))
            seed.end_claimed(self.connection)
        return median(spent)

    def _claim(self, count: int) -> None:
        claimed = self._tick(News(frozenset({QueueId(self.chosen)})), sweeping=False)
        assert claimed == count, claimed

    def _tick(self, news: News, *, sweeping: bool) -> int:
        casework = self.casework
        if sweeping:
            casework.publisher.begin_tick()
        ticks = tick(casework.db, casework.settings, self.ticker, news=news, sweeping=sweeping)
        return sum(casework.perform(done).claimed for done in ticks)

    @staticmethod
    def _timed(act: object, times: int) -> float:
        assert callable(act)
        spent = []
        for _ in range(times):
            begun = perf_counter()
            act()
            spent.append(perf_counter() - begun)
        return median(spent) * 1000


def measure(ground: Ground) -> list[Figure]:
    sizes = {size: Installation(ground.casework(f"tick_{size}"), size) for size in SIZES}
    series = alternate(
        ground.rounds,
        {
            **{f"idle, {size} queues": one.idle for size, one in sizes.items()},
            **{f"sweep, {size} queues": one.sweep for size, one in sizes.items()},
            **{f"100 claims, {size} queues": one.claims for size, one in sizes.items()},
            "driver": lambda: _driver(sizes[SIZES[-1]].casework),
        },
        ground.say,
        PIECES,
        shuffled=True,
    )
    with counted() as statements:
        sizes[SIZES[-1]].idle()
    kinds, others = ("idle", "sweep", "100 claims"), [size for size in SIZES if size != BASE]
    return [
        *(compared(series, f"{what}, {BASE} queues", "ms") for what in kinds),
        *(
            compared(series, f"{what}, {size} queues", "ms", f"{what}, {BASE} queues", at_most(1.3))
            for what in kinds
            for size in others
        ),
        compared(series, "driver", "ms", label="one round trip of the driver"),
        Figure("idle, statements", "", [len(statements) / TICKS], target=at_most(5)),
    ]


def _driver(casework: Casework) -> float:
    with raw(casework) as connection:
        spent = []
        for _ in range(TICKS * 5):
            begun = perf_counter()
            connection.execute("select 1").fetchone()
            spent.append(perf_counter() - begun)
    return median(spent) * 1000
