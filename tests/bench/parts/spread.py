"""The same eight slots in 1, 2, 4 and 8 worker processes: no-op work from its creation to its recorded end, short runs sharing messages."""

from time import perf_counter

from bench import seed
from bench.figures import Figure, alternate, at_least, compared
from bench.ground import Ground
from bench.processes import wait_for
from bench.runtime import Installation, installation
from casework.cli.roles import Pool

SLOTS = 8
BASE = 2


def measure(ground: Ground) -> list[Figure]:
    """Workers with threads; all of them stand ready throughout, and one installation at a time has work."""
    count = ground.size(8000, 1000)
    installations = {
        workers: installation(
            ground, f"spread_{workers}", workers=workers, pool=Pool.THREADS, concurrency=SLOTS // workers
        )
        for workers in (1, 2, 4, 8)
    }
    for each in installations.values():
        each.warm_up(count=300)
    contenders = {_name(workers): lambda each=each: _rate(each, count) for workers, each in installations.items()}
    series = alternate(ground.rounds, contenders, ground.say)
    bars = {_name(8): at_least(0.9)}
    return [compared(series, name, "/s", _name(BASE), bars.get(name)) for name in series]


def _name(workers: int) -> str:
    return f"{workers} of {SLOTS // workers}"


def _rate(each: Installation, count: int) -> float:
    begun = perf_counter()
    seed.create(each.casework, each.queue, count, 100)
    wait_for(each.idle, "the last case")
    return count / (perf_counter() - begun)
