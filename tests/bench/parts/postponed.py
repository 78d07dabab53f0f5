"""Claims of a hundred cases that have just become due, beside many that are postponed."""

from time import perf_counter

from bench import seed
from bench.figures import Figure, alternate, at_most, compared
from bench.ground import Ground, raw
from casework.core.model import Queue
from casework.service.dispatch import claim_round
from casework.service.ticker import Ticker
from casework.wiring import Casework

CLAIMS = 20


def measure(ground: Ground) -> list[Figure]:
    """Against an installation that holds no others. With --large, 10 million."""
    count = 10_000_000 if ground.large else ground.size(200_000, 20_000)
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
        seed.due(self.others, self.queue.id, 100, lead=-1, rate=1000)
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
