"""Ticks beside 1, 10, 100 and 10,000 queues, and beside hundreds of live runs: one that finds nothing to do, a sweep that looks at
all runs, and one that claims 100 cases, of one queue or of as many."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
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
SPREAD = (100, 10_000)
LIVE = 500
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
    live: int = 0
    """How many runs go on meanwhile."""
    ticker: Ticker = field(init=False)
    chosen: list[QueueId] = field(init=False)
    """Queues in which there may be something to claim."""

    def __post_init__(self) -> None:
        casework = self.casework
        self.ticker = Ticker("bench", Fleet(casework.settings))
        queue, agent = seed.worked_queue(casework)
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
        others = execute("select id from queues where id <> %s order by id limit 99", (queue.id,)).fetchall()
        self.chosen = [queue.id, *(QueueId(id) for (id,) in others)]
        with casework.db.begin() as tx:
            processes.seen(tx, "w", "worker", timedelta(days=1), processes.Report(slots=1000))
            tx.sql("update processes set seen_at = now() + interval '1 day'")
        self._start(self.live)
        execute("vacuum (analyze) queues, consumers")
        seed.settled(self.connection)

    def _start(self, count: int) -> None:
        if count:
            self._claim(self.chosen[:1], count)
            self.connection.execute(
                "update runs set status = 'running', worker = 'w', started_at = now(), attempt_started_at = now(), last_heartbeat_at = now() + interval '1 day'"
            )

    def idle(self) -> float:
        """Milliseconds of a beat's tick that finds nothing."""
        return self._timed(lambda: self._tick(News(), sweeping=True), TICKS)

    def sweep(self) -> float:
        """Milliseconds of the part that looks for what got stuck, at all runs, and finds nothing."""
        return self._timed(lambda: sweep(self.casework.db, self.casework.settings), TICKS)

    def claims(self) -> float:
        """Milliseconds of a nudged tick that claims 100 cases of one queue and sends them."""
        return self._claims(self.chosen[:1])

    def spread(self) -> float:
        """The same with cases of 100 queues."""
        return self._claims(self.chosen)

    def _claims(self, queues: list[QueueId]) -> float:
        return median(self._claim(queues, 100, ending=True) for _ in range(CLAIMS))

    def _claim(self, queues: list[QueueId], count: int, *, ending: bool = False) -> float:
        for queue in queues:
            seed.add(self.connection, queue, 1, count // len(queues))
        claimed: list[UUID] = []
        spent = self._timed(lambda: claimed.extend(self._tick(News(frozenset(queues)), sweeping=False)), 1)
        assert len(claimed) == count, len(claimed)
        if ending:
            seed.end(self.connection, claimed)
        return spent

    def _tick(self, news: News, *, sweeping: bool) -> list[UUID]:
        """Returns the runs."""
        casework = self.casework
        if sweeping:
            casework.publisher.begin_tick()
        runs: list[UUID] = []
        for done in tick(casework.db, casework.settings, self.ticker, news=news, sweeping=sweeping):
            casework.perform(done)
            runs += [message.run_id for message in done.effects.runs]
        return runs

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
    places = {f"{size} queues": Installation(ground.casework(f"tick_{size}"), size) for size in SIZES}
    busy = f"{BASE} queues, {LIVE} live runs"
    places[busy] = Installation(ground.casework("tick_live"), BASE, LIVE)
    acts = {"idle": Installation.idle, "sweep": Installation.sweep, "100 claims in one queue": Installation.claims}
    contenders: dict[str, Callable[[], float]] = {
        f"{what}, {name}": partial(act, one) for name, one in places.items() for what, act in acts.items()
    }
    spread = [f"{size} queues" for size in SPREAD]
    contenders |= {f"100 claims in 100 queues, {name}": places[name].spread for name in spread}
    largest = places[f"{SIZES[-1]} queues"]
    contenders["driver"] = lambda: _driver(largest.casework)
    series = alternate(ground.rounds, contenders, ground.say, PIECES, shuffled=True)
    with counted() as statements:
        largest.idle()
    base = f"{BASE} queues"
    return [
        *(compared(series, f"{what}, {base}", "ms") for what in acts),
        *(
            compared(
                series,
                f"{what}, {name}",
                "ms",
                f"{what}, {base}",
                None if what == "sweep" and name == busy else at_most(1.3),
            )
            for what in acts
            for name in places
            if name != base
        ),
        *(
            compared(
                series,
                f"100 claims in 100 queues, {name}",
                "ms",
                f"100 claims in 100 queues, {spread[0]}",
                at_most(1.3),
            )
            for name in spread[1:]
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
