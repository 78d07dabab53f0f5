"""End to end: no-op work from its creation to its recorded end, one process creating, against Celery and its peers.

All workers stand ready throughout; one contender at a time is given work. Celery's no-op keeps no record at all, so it
is what casework's records cost, and `insert and delay` is what they replace.
"""

from collections.abc import Callable
from time import perf_counter

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
ONE, ONE_BULK = "casework, prefork 2", "casework, prefork 2, created by 100"
TWO, TWO_BULK = "casework, 2 workers, threads 10", "casework, 2 workers, threads 10, created by 100"


def measure(ground: Ground) -> list[Figure]:
    """Every contender in every round."""
    count = ground.size(1000, 300)
    contenders = _celery(ground, count) | _casework(ground, count)
    if has("procrastinate"):
        contenders |= peers.procrastinate(ground, count)
    if has("pgqueuer"):
        contenders |= peers.pgqueuer(ground, count)
    series = alternate(ground.rounds, contenders, ground.say)
    others = [name for name in series if name not in (ONE, TWO)]
    bars = [
        compared(series, ONE, "/s", CELERY, at_least(0.8)),
        compared(series, ONE, "/s", RECORDED, at_least(1.2)),
    ]
    for peer in (peers.PROCRASTINATE, peers.PROCRASTINATE_BULK):
        mine = TWO_BULK if peer == peers.PROCRASTINATE_BULK else TWO
        bars += [compared(series, mine, "/s", peer, at_least(1.2))] if peer in series else []
    return bars + [compared(series, name, "/s", CELERY) for name in others]


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


def _casework(ground: Ground, count: int) -> Contenders:
    one = installation(ground, "e2e_one")
    two = installation(ground, "e2e_two", workers=2, pool=Pool.THREADS, concurrency=10)
    for each in (one, two):
        each.warm_up()
    return {
        ONE: lambda: _completed(one, count, 1),
        ONE_BULK: lambda: _completed(one, count, 100),
        TWO: lambda: _completed(two, count, 1),
        TWO_BULK: lambda: _completed(two, count, 100),
    }


def _completed(each: Installation, count: int, batch: int) -> float:
    before = each.completed()
    begun = perf_counter()
    seed.create(each.casework, each.queue, count, batch)
    wait_for(each.idle, "the last case")
    spent = perf_counter() - begun
    assert each.completed() == before + count
    return count / spent
