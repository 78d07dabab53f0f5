"""A steady load for as long as --soak says: delays, dead tuples, and sizes of tables and indexes, over time."""

from dataclasses import dataclass
from time import monotonic, sleep, time

from bench import seed
from bench.figures import Figure, Series, at_most, percentile
from bench.ground import Ground, Skipped
from bench.processes import wait_for
from bench.runtime import Installation, installation
from bench.starts import Starts

BATCH = 10
GAP = 0.1
PARTS = 10

_TABLES = """
select relname, n_dead_tup, pg_table_size(relid), pg_indexes_size(relid)
from pg_stat_user_tables where n_tup_ins > 0 order by pg_total_relation_size(relid) desc
"""


@dataclass(frozen=True, slots=True)
class _Table:
    dead: int
    size: int
    indexes: int


def measure(ground: Ground) -> list[Figure]:
    """A hundred cases a second. The time is cut into ten parts, whose values stand in the JSON one after the other."""
    if not ground.soak_minutes:
        raise Skipped("it takes as long as --soak MINUTES says")
    seconds = 60 * ground.soak_minutes / PARTS
    starts = Starts(ground.home / "soak-starts")
    found = installation(ground, "soak", target="started", extra=starts.environment)
    found.warm_up({"at": 0}, 300)
    delays: Series = {"p50": [], "p99": []}
    tables: list[dict[str, _Table]] = []
    for number in range(1, PARTS + 1):
        waited = _worked(found, starts, seconds)
        for name, values in delays.items():
            values.append(percentile(waited, float(name[1:])))
        tables.append(_look(found))
        dead = sum(one.dead for one in tables[-1].values())
        ground.say(
            f"{number * seconds:.0f} of {PARTS * seconds:.0f} s: p50 {delays['p50'][-1]:.1f} ms, p99 {delays['p99'][-1]:.1f} ms, "
            f"{dead:,} dead tuples"
        )
    return [*_delays(delays), *_sizes(tables, found.completed())]


def _worked(found: Installation, starts: Starts, seconds: float) -> list[float]:
    """Milliseconds from creation to the first line, of all cases of this time."""
    starts.forget()
    begun, count = monotonic(), 0
    while (due := begun + count / BATCH * GAP) < begun + seconds:
        sleep(max(0.0, due - monotonic()))
        seed.create(found.casework, found.queue, BATCH, BATCH, {"at": time()})
        count += BATCH
    wait_for(lambda: starts.count() >= count, "the last start", 0.1)
    return [1000 * float(line) for line in starts.path.read_text().splitlines()]


def _look(found: Installation) -> dict[str, _Table]:
    rows = found.connection.execute(_TABLES).fetchall()
    return {name: _Table(dead, size, indexes) for name, dead, size, indexes in rows}


def _delays(delays: Series) -> list[Figure]:
    """The last third against the first."""
    third = PARTS // 3
    figures = []
    for name, values in delays.items():
        first, last = values[:third], values[-third:]
        ratios = [one / other for one, other in zip(last, first, strict=True)]
        figures.append(Figure(f"creation to start, {name}, all ten parts", "ms", values))
        figures.append(
            Figure(f"creation to start, {name}, last third", "ms", last, "the first third", ratios, at_most(1.5))
        )
    return figures


def _sizes(tables: list[dict[str, _Table]], cases: int) -> list[Figure]:
    """Of the largest tables, and of all of them."""
    figures = []
    for name in list(tables[-1])[:4]:
        over_time = [one[name] for one in tables if name in one]
        figures += [
            Figure(f"{name}: dead tuples", "", [one.dead for one in over_time]),
            Figure(f"{name}: table", "MB", [one.size / 1e6 for one in over_time]),
            Figure(f"{name}: indexes", "MB", [one.indexes / 1e6 for one in over_time]),
        ]
    whole = sum(one.size + one.indexes for one in tables[-1].values())
    return [*figures, Figure("tables and indexes at the end, each case", "B", [whole / cases])]
