"""The share of two queues with the weights 1 and 3, both flooded: slot time, whatever the lengths of their runs."""

import os
from collections.abc import Sequence
from itertools import cycle, islice
from time import sleep

from bench import seed
from bench.figures import Figure, Series, at_most
from bench.ground import Ground
from bench.processes import wait_for
from bench.runtime import Installation, installation
from casework.core.model import NewCase, Queue
from casework.service import cases

SLOTS = 4
WEIGHT = 3
SHORT, LONG = 0.01, 0.2
LENGTHS = {
    "runs of 10 ms beside runs of 200 ms": ((SHORT,), (LONG,)),
    "runs of 200 ms beside runs of 10 ms": ((LONG,), (SHORT,)),
    "runs of both lengths in both": ((SHORT, LONG), (SHORT, LONG)),
}
"""How long the runs of the queue with weight 1 take, and those of the other one."""

_SLOT_SECONDS = """
select coalesce(sum(extract(epoch from least(coalesce(completed_at, now()), now()) - greatest(started_at, now() - %(window)s * interval '1 second'))), 0)::float8
from runs where queue_id = %(queue)s and started_at is not null and coalesce(completed_at, now()) > now() - %(window)s * interval '1 second'
"""


def measure(ground: Ground) -> list[Figure]:
    """Windows of ten seconds, after the flood has been worked on for a while. Each pair has agents of its own: what a run is
    expected to take follows from the agent's latest runs."""
    window = 4.0 if ground.quick else 10.0
    found = installation(ground, "shares", concurrency=SLOTS, target="works", extra={"BENCH_LOG": os.devnull})
    pairs = {name: (_queue(found, f"{name}, 1", 1), _queue(found, f"{name}, 3", WEIGHT)) for name in LENGTHS}
    found.warm_up({"seconds": 0})
    series: Series = {name: [] for name in LENGTHS}
    for number in range(1, ground.rounds + 1):
        for name, lengths in LENGTHS.items():
            ground.say(f"round {number}/{ground.rounds}: {name}, {window:g} s")
            series[name].append(_ratio(found, pairs[name], lengths, window))
    figures = []
    for name, values in series.items():
        off = [100 * abs(value / WEIGHT - 1) for value in values]
        figures.append(Figure(f"{name}: slot time, weight 3 to weight 1", "times", values))
        figures.append(Figure(f"{name}: off by", "%", off, target=at_most(10)))
    return figures


def _queue(found: Installation, name: str, weight: float) -> Queue:
    return seed.worked_queue(found.casework, name, target="bench.agents:works", weight=weight)[0]


def _ratio(found: Installation, pair: tuple[Queue, Queue], lengths: Sequence[Sequence[float]], window: float) -> float:
    for queue, seconds in zip(pair, lengths, strict=True):
        _flood(found, queue, seconds, window)
    wait_for(lambda: min(_slot_seconds(found, queue, window) for queue in pair) > 0, "the first runs")
    sleep(window + 2)
    one, three = (_slot_seconds(found, queue, window) for queue in pair)
    for queue in pair:
        found.clear(queue)
    return three / one


def _flood(found: Installation, queue: Queue, seconds: Sequence[float], window: float) -> None:
    """More than all slots could do in the time."""
    count = int(SLOTS * (window + 3) * len(seconds) / sum(seconds))
    lengths = islice(cycle(seconds), count)
    new = [NewCase("case", {"seconds": length}) for length in lengths]
    for start in range(0, count, 500):
        found.casework.perform(cases.create(found.casework.db, queue.id, new[start : start + 500]))


def _slot_seconds(found: Installation, queue: Queue, window: float) -> float:
    row = found.connection.execute(_SLOT_SECONDS, {"queue": queue.id, "window": window}).fetchone()
    return float(row[0]) if row else 0.0
