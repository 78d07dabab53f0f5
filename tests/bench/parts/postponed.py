"""Many postponed cases, of which hundreds fall due each second: what a claim of them takes, and how late their agents begin."""

from time import perf_counter

from bench import seed
from bench.figures import Figure, Series, alternate, at_most, compared, percentile
from bench.ground import Ground, raw
from bench.processes import wait_for
from bench.runtime import Installation, installation
from bench.starts import Starts
from casework.core.model import Queue
from casework.service.dispatch import claim_round
from casework.service.ticker import Ticker
from casework.wiring import Casework

CLAIMS = 20
SECONDS = 5
LEAD = 3
"""Seconds from the creation of the cases to the first that is due: they have been inserted by then."""

_DUE = """
insert into cases (id, queue_id, title, data, status, priority, ready_at, postponed_to, created_at, updated_at)
select gen_random_uuid(), %(queue)s, 'due ' || n, json_build_object('at', extract(epoch from due)::float8), 'postponed', 0, due, due, now(), now()
from generate_series(1, %(count)s::int) n, lateral (select now() + (%(lead)s + n::float8 / %(rate)s) * interval '1 second' as due) d
"""


def measure(ground: Ground) -> list[Figure]:
    """Beside an installation that holds no others. With --large, 10 million, of which 5,000 a second fall due."""
    count = 10_000_000 if ground.large else ground.size(200_000, 20_000)
    rate = 5000 if ground.large else ground.size(500, 100)
    return _claims(ground, count) + _starts(ground, count, rate)


def _claims(ground: Ground, count: int) -> list[Figure]:
    places = {"alone": _place(ground, "postponed_alone", 0), "beside them": _place(ground, "postponed_many", count)}
    series = alternate(
        ground.rounds,
        {name: place.claim for name, place in places.items()},
        ground.say,
        ground.size(CLAIMS, 5),
        shuffled=True,
    )
    return [
        compared(
            series,
            "beside them",
            "ms",
            "alone",
            at_most(1.3),
            f"a claim of 100 that are due, beside {count:,} postponed",
        ),
        compared(series, "alone", "ms", label="a claim of 100 that are due"),
    ]


class _Place:
    """Cases that have just become due, claimed by a hundred."""

    def __init__(self, casework: Casework, queue: Queue) -> None:
        self.casework, self.queue = casework, queue
        self.others, self.ticker = raw(casework), Ticker()

    def claim(self) -> float:
        """Milliseconds."""
        self.others.execute(_DUE, {"queue": self.queue.id, "count": 100, "lead": -1, "rate": 1000})
        begun = perf_counter()
        claimed = claim_round(self.casework.db, self.ticker).claimed
        spent = perf_counter() - begun
        assert len(claimed) == 100, len(claimed)
        seed.end_claimed(self.others)
        # The clock's ticks look from the front again.
        self.ticker.positions.reset()
        return spent * 1000


def _place(ground: Ground, name: str, count: int) -> _Place:
    casework = ground.casework(name)
    queue, _ = seed.worked_queue(casework)
    seed.pending(casework, queue.id, count, postponed=True)
    place = _Place(casework, queue)
    for _ in range(8):
        place.claim()
    return place


def _starts(ground: Ground, count: int, rate: int) -> list[Figure]:
    starts = Starts(ground.home / "postponed-starts")
    sizes = {"": 0, f", beside {count:,} postponed": count}
    installations = {
        name: installation(ground, f"due_{size}", target="started", extra=starts.environment)
        for name, size in sizes.items()
    }
    for name, found in installations.items():
        seed.pending(found.casework, found.queue.id, sizes[name], postponed=True)
        found.warm_up({"at": 0}, 100)
    series: Series = {}
    for number in range(1, ground.rounds + 1):
        for name, found in installations.items():
            ground.say(f"round {number}/{ground.rounds}: {rate:,} fall due each second{name}")
            late = _late(found, starts, rate)
            for percent in (50, 99):
                series.setdefault(f"{rate:,} due a second{name}: late by, p{percent}", []).append(
                    percentile(late, percent)
                )
    return [Figure(name, "ms", values) for name, values in series.items()]


def _late(found: Installation, starts: Starts, rate: int) -> list[float]:
    """Milliseconds from the moment at which each was due."""
    starts.forget()
    count = rate * SECONDS
    found.connection.execute(_DUE, {"queue": found.queue.id, "count": count, "lead": LEAD, "rate": rate})
    wait_for(lambda: starts.count() >= count, "the last start", 0.1)
    wait_for(found.is_at_rest, "the ends of runs")
    return [1000 * float(line) for line in starts.path.read_text().splitlines()]
