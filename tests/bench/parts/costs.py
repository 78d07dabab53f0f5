"""What a case costs over its life: WAL, commits, and processor time of the workers, of PostgreSQL and of Redis; no-op work, created by 100."""

from time import sleep

from bench import seed
from bench.figures import Figure, Series, with_units
from bench.ground import Ground
from bench.processes import wait_for
from bench.runtime import Installation, installation
from bench.spending import FLUSH_SECONDS, Account
from casework.broker.address import client
from casework.cli.roles import Pool

SHARED, ALONE = "short runs share messages", "a message for each run"
THREADS = "threads, short runs share messages"


def measure(ground: Ground) -> list[Figure]:
    """Of all processes of an installation, the ticker and the beat too; from the creation to the last completion."""
    installations = {
        SHARED: installation(ground, "costs_shared"),
        THREADS: installation(ground, "costs_threads", workers=2, pool=Pool.THREADS, concurrency=4),
        ALONE: installation(ground, "costs_alone", bundle_seconds=0),
    }
    counts = {SHARED: ground.size(8000, 1000), THREADS: ground.size(8000, 1000), ALONE: ground.size(2000, 500)}
    for each in installations.values():
        each.warm_up(count=300)
    sleep(FLUSH_SECONDS)
    series: Series = {}
    for number in range(1, ground.rounds + 1):
        for name, each in installations.items():
            ground.say(f"round {number}/{ground.rounds}: {name}, {counts[name]:,} cases")
            for what, value in _spent(each, counts[name]).items():
                series.setdefault(f"{name}: {what}", []).append(value)
    return with_units(series)


def _spent(each: Installation, count: int) -> dict[str, float]:
    """Of one case."""
    before = each.completed()
    with client(each.casework.settings.redis_url) as broker:
        account = Account(each.connection, broker, lambda: each.processes)
        with account.spending() as spent:
            seed.create(each.casework, each.queue, count, 100)
            wait_for(each.idle, "the last case")
    assert each.completed() == before + count
    found = spent()
    return {
        "WAL, B": found.wal / count,
        "commits, ": found.commits / count,
        "workers, ms": 1000 * found.workers / count,
        "PostgreSQL, ms": 1000 * found.postgres / count,
        "Redis, ms": 1000 * found.redis / count,
        "processor time in all, ms": 1000 * (found.workers + found.postgres + found.redis) / count,
    }
