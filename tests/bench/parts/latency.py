"""From creation to the agent's first line, idle and at half load, against Celery from `delay` to the task's first line."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep, time

from bench import seed
from bench.figures import Figure, Series, at_most, percentile
from bench.ground import Ground
from bench.peers import celery_app
from bench.processes import wait_for
from bench.runtime import celery_worker, installation

IDLE_GAP = 0.04


class _Probe:
    """Sends stamped work and reads back how long each piece waited."""

    def __init__(self, log: Path, send: Callable[[], None]) -> None:
        self.log = log
        self.send = send

    def waited(self, count: int, gap: float) -> list[float]:
        """Milliseconds from sending to start, for work sent at random moments with that mean gap."""
        self.log.write_text("")
        due = monotonic()
        for _ in range(count):
            due += random.uniform(0.5, 1.5) * gap
            sleep(max(0.0, due - monotonic()))
            self.send()
        wait_for(lambda: self._lines() >= count, "the last start", 0.05)
        return [1000 * float(line) for line in self.log.read_text().splitlines()]

    def capacity(self, count: int) -> float:
        """Pieces per second, when all are sent at once."""
        self.log.write_text("")
        begun = monotonic()
        for _ in range(count):
            self.send()
        wait_for(lambda: self._lines() >= count, "the last start", 0.01)
        return count / (monotonic() - begun)

    def _lines(self) -> int:
        return len(self.log.read_bytes().splitlines())


def measure(ground: Ground) -> list[Figure]:
    """Both stamp in the sender and write in the worker; prefork 2. Half load is half of what each did just before."""
    probes = {"casework": _casework(ground), "Celery": _celery(ground)}
    series: Series = {}
    for number in range(ground.rounds):
        for load in ("idle", "half load"):
            for name, probe in probes.items():
                ground.say(f"round {number + 1}/{ground.rounds}: {name}, {load}")
                for percent, value in _round(ground, probe, load).items():
                    series.setdefault(f"{name}, {load}, {percent}", []).append(value)
    mine = [_figure(series, load, percent) for load in ("idle", "half load") for percent in ("p50", "p99")]
    rates = [Figure(f"{name}, half load is", "/s", series[f"{name}, half load, rate"]) for name in probes]
    return (
        mine
        + rates
        + [
            Figure(name, "ms", found)
            for name, found in series.items()
            if name.startswith("Celery, ") and "rate" not in name
        ]
    )


def _round(ground: Ground, probe: _Probe, load: str) -> dict[str, float]:
    rate = 1 / IDLE_GAP if load == "idle" else probe.capacity(ground.size(400, 100)) / 2
    waited = probe.waited(ground.size(400, 40) if load == "idle" else int(rate * 3), 1 / rate)
    return {"p50": percentile(waited, 50), "p99": percentile(waited, 99), "rate": rate}


def _figure(series: Series, load: str, percent: str) -> Figure:
    mine, theirs = series[f"casework, {load}, {percent}"], series[f"Celery, {load}, {percent}"]
    bars = {("idle", "p50"): at_most(2.5), ("idle", "p99"): at_most(3)}
    ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
    return Figure(f"casework, {load}, {percent}", "ms", mine, "Celery", ratios, bars.get((load, percent)))


def _casework(ground: Ground) -> _Probe:
    log = ground.home / "casework-starts"
    found = installation(ground, "latency", target="started", extra={"BENCH_LOG": str(log)})
    found.warm_up({"at": 0})
    # As the API and workers do, for the cases of their requests and runs.
    creator = replace(found.casework, claims_with=found.casework.db)
    return _Probe(log, lambda: seed.create(creator, found.queue, 1, 1, {"at": time()}))


def _celery(ground: Ground) -> _Probe:
    log = ground.home / "celery-starts"
    celery_worker(ground, log)
    probe = _Probe(log, lambda: celery_app.started.delay(time()) and None)
    probe.capacity(20)
    return probe
