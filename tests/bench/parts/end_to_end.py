"""End to end: no-op work from its creation to its recorded end, one process creating, against Celery and its peers.

All workers stand ready throughout; one contender at a time is given work. Celery's no-op keeps no record at all, so it
is what casework's records cost, and `insert and delay` is what they replace.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

from bench import seed
from bench.figures import Figure, alternate, at_least, compared
from bench.ground import Ground
from bench.parts import peers
from bench.peers import celery_app
from bench.processes import wait_for
from bench.runtime import CeleryWorker, Installation, celery_worker, has, installation
from casework.cli.roles import Pool

Contenders = dict[str, Callable[[], float]]

CELERY, RECORDED = "Celery no-op, prefork 2", "Celery insert and delay, prefork 2"
ALONE, SHARED = "casework, prefork 2, a message for each run", "casework, prefork 2, short runs share messages"
TWO_ALONE = "casework, 2 workers, threads 4, a message for each run"
TWO_SHARED = "casework, 2 workers, threads 4, short runs share messages"
ONE_BY_ONE = "casework, prefork 2, shared messages, created one by one"


def measure(ground: Ground) -> list[Figure]:
    """Every contender in every round; those that take batches get more, so that a round of theirs is no blink."""
    count, many = ground.size(2000, 1000), ground.size(8000, 1000)
    contenders = _celery(ground, count) | _casework(ground, count, many)
    if has("procrastinate"):
        contenders |= peers.procrastinate(ground, count)
    if has("pgqueuer"):
        contenders |= peers.pgqueuer(ground, many)
    series = alternate(ground.rounds, contenders, ground.say)
    bars = [
        (ALONE, CELERY, 0.8),
        (ALONE, RECORDED, 1.2),
        (TWO_ALONE, peers.PROCRASTINATE, 1.2),
        (SHARED, CELERY, 2.5),
        (SHARED, peers.PROCRASTINATE, 5),
        (TWO_SHARED, peers.PROCRASTINATE, 5),
        (SHARED, peers.PGQUEUER_BEST, 0.5),
    ]
    barred = [compared(series, mine, "/s", other, at_least(bar)) for mine, other, bar in bars if other in series]
    return barred + [compared(series, name, "/s", CELERY) for name in series]


def _celery(ground: Ground, count: int) -> Contenders:
    worker = celery_worker(ground)

    def noop(count: int = count) -> float:
        return _marked(worker, count, lambda last: celery_app.noop.delay(last))

    def recorded(count: int = count) -> float:
        def send(last: bool) -> None:
            row = worker.database.execute("insert into jobs (data) values ('{}') returning id").fetchone()
            assert row is not None
            celery_app.recorded.delay(row[0], last)

        return _marked(worker, count, send)

    noop(40), recorded(40)
    return {CELERY: noop, RECORDED: recorded}


def _marked(worker: CeleryWorker, count: int, send: Callable[[bool], object]) -> float:
    worker.forget()
    begun = perf_counter()
    for number in range(count):
        send(number == count - 1)
    wait_for(worker.marked, "the last task")
    return count / (perf_counter() - begun)


def _casework(ground: Ground, count: int, many: int) -> Contenders:
    two_workers: dict[str, Any] = {"workers": 2, "pool": Pool.THREADS, "concurrency": 4}
    shared, alone = installation(ground, "e2e_shared"), installation(ground, "e2e_alone", bundle_seconds=0)
    two_shared = installation(ground, "e2e_two_shared", **two_workers)
    two_alone = installation(ground, "e2e_two_alone", bundle_seconds=0, **two_workers)
    for each in (shared, alone, two_shared, two_alone):
        each.warm_up(count=300)
    return {
        ALONE: lambda: _completed(alone, count, 100),
        SHARED: lambda: _completed(shared, many, 100),
        TWO_ALONE: lambda: _completed(two_alone, count, 100),
        TWO_SHARED: lambda: _completed(two_shared, many, 100),
        ONE_BY_ONE: lambda: _completed(shared, count // 2, 1),
    }


def _completed(each: Installation, count: int, batch: int) -> float:
    before = each.completed()
    begun = perf_counter()
    seed.create(each.casework, each.queue, count, batch)
    wait_for(each.idle, "the last case")
    spent = perf_counter() - begun
    assert each.completed() == before + count
    return count / spent
