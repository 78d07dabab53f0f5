"""A tick that finds nothing to do: how many statements, how long, with 1 and with 50 queues."""

from statistics import median
from time import perf_counter

from bench import seed
from bench.figures import Figure, alternate, at_most, compared
from bench.ground import Ground, raw
from bench.statements import counted
from casework.service.dispatch import tick
from casework.wiring import Casework

QUEUES = 50
WAITING_CASES = 200
TICKS = 40


def measure(ground: Ground) -> list[Figure]:
    """Each queue holds cases that are not ready."""
    one, many = ground.casework("tick_1"), ground.casework("tick_50")
    for casework, queues in ((one, 1), (many, QUEUES)):
        for number in range(queues):
            queue, _ = seed.worked_queue(casework, f"queue-{number}")
            seed.pending(casework, queue.id, WAITING_CASES, postponed=True)
    series = alternate(
        ground.rounds,
        {"1 queue": lambda: _ticks(one), "50 queues": lambda: _ticks(many), "driver": lambda: _driver(many)},
        ground.say,
    )
    with counted() as statements:
        _once(many)
    return [
        compared(series, "1 queue", "ms"),
        compared(series, "50 queues", "ms", "1 queue", label="50 queues"),
        Figure("50 queues, bar", "ms", series["50 queues"], target=at_most(5)),
        compared(series, "driver", "ms", label="one round trip of the driver"),
        Figure("50 queues, statements", "", [len(statements)], target=at_most(5)),
    ]


def _once(casework: Casework) -> None:
    casework.publisher.begin_tick()
    for done in tick(casework.db, casework.settings, ticker="bench"):
        casework.perform(done)


def _ticks(casework: Casework) -> float:
    spent = []
    for _ in range(TICKS):
        begun = perf_counter()
        _once(casework)
        spent.append(perf_counter() - begun)
    return median(spent) * 1000


def _driver(casework: Casework) -> float:
    with raw(casework) as connection:
        spent = []
        for _ in range(TICKS * 5):
            begun = perf_counter()
            connection.execute("select 1").fetchone()
            spent.append(perf_counter() - begun)
    return median(spent) * 1000
