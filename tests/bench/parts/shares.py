"""The share of two queues with the weights 1 and 3, both flooded: slot time, whatever the lengths of their runs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from time import sleep

from bench import seed
from bench.figures import Figure, Series, at_most
from bench.ground import Ground
from bench.processes import wait_for
from bench.runtime import Installation, installation
from casework.core.model import NewCase, Queue
from casework.service import cases, queues

SLOTS = 4
WEIGHTS = 1, 3
SHORT, LONG = 0.01, 0.2
MOST_ROUNDS = 2
"""Of a dozen mixes, each of which takes as long as its windows."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How long the runs of the queue with weight 1 take, and those of the other one: these lengths in turn. If they change, it
    is in the middle of the load, and to those in `then`."""

    lengths: tuple[Sequence[float], Sequence[float]]
    then: tuple[Sequence[float], Sequence[float]] | None = None
    one_agent: bool = False
    """Whether one agent works on both queues."""


_SHORT, _LONG, _BOTH, _RARELY_LONG = (SHORT,), (LONG,), (SHORT, LONG), (*[SHORT] * 19, LONG)
MIXES = {
    "10 ms beside 200 ms": Mix((_SHORT, _LONG)),
    "200 ms beside 10 ms": Mix((_LONG, _SHORT)),
    "both lengths in both": Mix((_BOTH, _BOTH)),
    "few of 200 ms beside 200 ms": Mix((_RARELY_LONG, _LONG)),
    "200 ms beside few of 200 ms": Mix((_LONG, _RARELY_LONG)),
    "from 10 to 200 ms beside from 200 to 10 ms": Mix((_SHORT, _LONG), then=(_LONG, _SHORT)),
    "one agent, 10 ms beside 200 ms": Mix((_SHORT, _LONG), one_agent=True),
    "one agent, 200 ms beside 10 ms": Mix((_LONG, _SHORT), one_agent=True),
    "one agent, both lengths in both": Mix((_BOTH, _BOTH), one_agent=True),
    "one agent, few of 200 ms beside both lengths": Mix((_RARELY_LONG, _BOTH), one_agent=True),
    "one agent, from 10 to 200 ms beside from 200 to 10 ms": Mix((_SHORT, _LONG), then=(_LONG, _SHORT), one_agent=True),
}

TICKERS = 8
AMONG_TICKERS = (
    "10 ms beside 200 ms",
    "200 ms beside 10 ms",
    "one agent, both lengths in both",
    "one agent, from 10 to 200 ms beside from 200 to 10 ms",
)

# Windows of that many seconds, one a second, from the first second in which both queues had runs until now.
_SLOT_SECONDS = """
with load as (
  select queue_id, started_at, least(coalesce(completed_at, now()), now()) as ended_at from runs
  where queue_id = any(%(queues)s) and started_at > %(since)s
), windows as (
  select begun, begun + %(window)s * interval '1 second' as ended
  from generate_series(
    (select max(first) + interval '1 second' from (select min(started_at) as first from load group by queue_id) f),
    now() - %(window)s * interval '1 second', interval '1 second') as begun
)
select sum(extract(epoch from least(ended_at, ended) - greatest(started_at, begun))) filter (where queue_id = (%(queues)s)[2])::float8
  / sum(extract(epoch from least(ended_at, ended) - greatest(started_at, begun))) filter (where queue_id = (%(queues)s)[1])::float8
from windows join load on started_at < ended and ended_at > begun
group by begun order by begun
"""


def measure(ground: Ground) -> list[Figure]:
    """Windows of ten seconds, which begin one second after another. Each mix has agents of its own: what a run is expected to
    take follows from the latest runs."""
    return _measure(ground, 1, MIXES) + _measure(ground, TICKERS, {name: MIXES[name] for name in AMONG_TICKERS})


def _measure(ground: Ground, tickers: int, mixes: Mapping[str, Mix]) -> list[Figure]:
    window, extra = (4.0 if ground.quick else 10.0), {"BENCH_LOG": os.devnull}
    found = installation(ground, f"shares_{tickers}", concurrency=SLOTS, tickers=tickers, target="works", extra=extra)
    pairs = {name: _queues(found, name, one_agent=mix.one_agent) for name, mix in mixes.items()}
    found.warm_up({"seconds": 0})
    series: Series = {name: [] for name in mixes}
    rounds = min(ground.rounds, MOST_ROUNDS)
    for number in range(1, rounds + 1):
        for name, mix in mixes.items():
            ground.say(f"round {number}/{rounds}: {name}, {1.5 * window:g} s")
            ratios = _ratios(found, pairs[name], mix, window)
            ground.say("   " + ", ".join(f"{ratio:.2f}" for ratio in ratios))
            series[name] += ratios
    one, three = WEIGHTS
    figures, among = [], f"{tickers} tickers, " if tickers > 1 else ""
    for name, values in series.items():
        off = max(100 * abs(value * one / three - 1) for value in values)
        figures.append(Figure(f"{among}{name}: slot time, weight {three} to weight {one}", "times", values))
        figures.append(Figure(f"{among}{name}: the window that is off most", "%", [off], target=at_most(10)))
    return figures


def _queues(found: Installation, name: str, *, one_agent: bool) -> tuple[Queue, Queue]:
    casework, target = found.casework, "bench.agents:works"
    one, three = WEIGHTS
    first, agent = seed.worked_queue(casework, f"{name}, {one}", target=target, weight=one)
    if not one_agent:
        return first, seed.worked_queue(casework, f"{name}, {three}", target=target, weight=three)[0]
    second = queues.create(casework.db, casework.team_id, f"{name}, {three}")
    queues.set_consumer(
        casework.db, casework.team_id, second.id, agent.id, trigger=True, concurrency=None, weight=three
    )
    return first, second


def _ratios(found: Installation, pair: tuple[Queue, Queue], mix: Mix, window: float) -> list[float]:
    load = 1.5 * window + 2
    since = datetime.now(UTC)
    for place, queue in enumerate(pair):
        _flood(found, queue, list(_lengths(mix, place, load)))
    wait_for(lambda: len(_windows(found, pair, since, 0.1)) > 0, "the first runs")
    sleep(load)
    ratios = _windows(found, pair, since, window)
    for queue in pair:
        found.clear(queue)
    return ratios


def _lengths(mix: Mix, place: int, load: float) -> Iterator[float]:
    """More than all slots could do in the time; what changes does so after half of it, if the queue gets its share."""
    if mix.then:
        due = SLOTS * WEIGHTS[place] / sum(WEIGHTS) * load / 2
        yield from _flood_of(mix.lengths[place], due)
    yield from _flood_of((mix.then or mix.lengths)[place], SLOTS * (load + 1))


def _flood_of(lengths: Sequence[float], slot_seconds: float) -> Iterator[float]:
    return islice(cycle(lengths), int(slot_seconds * len(lengths) / sum(lengths)))


def _flood(found: Installation, queue: Queue, lengths: Sequence[float]) -> None:
    new = [NewCase("case", {"seconds": length}) for length in lengths]
    for start in range(0, len(new), 500):
        found.casework.perform(cases.create(found.casework.db, queue.id, new[start : start + 500]))


def _windows(found: Installation, pair: tuple[Queue, Queue], since: datetime, window: float) -> list[float]:
    """The slot time of the second queue to that of the first, window by window."""
    asked = {"queues": [queue.id for queue in pair], "since": since, "window": window}
    return [row[0] for row in found.connection.execute(_SLOT_SECONDS, asked) if row[0]]
