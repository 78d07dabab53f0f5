"""How late agents begin when hundreds of postponed cases fall due each second, alone and beside many that are postponed."""

from bench import seed
from bench.figures import Figure, Series, percentile
from bench.ground import Ground
from bench.processes import wait_for
from bench.runtime import Installation, installation
from bench.starts import Starts

SECONDS = 5
LEAD = 3
"""Seconds from the creation of the cases to the first that is due: they have been inserted by then."""


def measure(ground: Ground) -> list[Figure]:
    """With --large, 5,000 a second beside 10 million."""
    count = 10_000_000 if ground.large else ground.size(200_000, 20_000)
    rate = 5000 if ground.large else ground.size(500, 100)
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
    seed.due(found.connection, found.queue.id, count, lead=LEAD, rate=rate)
    wait_for(lambda: starts.count() >= count, "the last start", 0.1)
    wait_for(found.is_at_rest, "the ends of runs")
    return [1000 * float(line) for line in starts.path.read_text().splitlines()]
