"""From creation to the agent's first line while 100, 300 and 1,000 cases are offered a second, one by one, against Celery's messages at the same rates."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep, time

from bench import seed
from bench.figures import Figure, Series, percentile
from bench.ground import Ground
from bench.peers import celery_app
from bench.processes import wait_for
from bench.runtime import celery_worker, installation

RATES = (100, 300, 1000)
SENDERS = 3

Send = Callable[[float], object]
"""Sends work that is stamped with the moment at which it was due."""


def measure(ground: Ground) -> list[Figure]:
    """Work is due at fixed moments, whether what came before has begun or not. Its delay counts from then: a sender that cannot
    keep up adds to it."""
    logs = {name: ground.home / f"{name}-offered" for name in ("casework", "Celery")}
    senders = {"casework": _casework(ground, logs["casework"]), "Celery": _celery(ground, logs["Celery"])}
    seconds = 1.0 if ground.quick else 5.0
    series: Series = {}
    for number in range(1, ground.rounds + 1):
        for rate in RATES:
            for name, send in senders.items():
                ground.say(f"round {number}/{ground.rounds}: {name}, {rate:,} a second, {seconds:g} s")
                for what, value in _offered(send, logs[name], rate, seconds).items():
                    series.setdefault(f"{name}, {rate:,} a second, {what}", []).append(value)
    return [_figure(series, name) for name in series]


def _offered(send: Send, log: Path, rate: int, seconds: float) -> dict[str, float]:
    count, late = int(rate * seconds), list[float]()
    log.write_text("")
    begun, moment = monotonic() + 0.1, time() + 0.1

    def lane(first: int) -> None:
        for number in range(first, count, SENDERS):
            sleep(max(0.0, begun + number / rate - monotonic()))
            late.append(monotonic() - begun - number / rate)
            send(moment + number / rate)

    with ThreadPoolExecutor(SENDERS) as lanes:
        list(lanes.map(lane, range(SENDERS)))
    wait_for(lambda: log.read_bytes().count(b"\n") >= count, "the last start", 0.1)
    waited = [1000 * float(line) for line in log.read_text().splitlines()]
    return {
        "p50": percentile(waited, 50),
        "p99": percentile(waited, 99),
        "the sender itself was late by, p99": 1000 * percentile(late, 99),
    }


def _figure(series: Series, name: str) -> Figure:
    mine, other = series[name], series[name.replace("casework", "Celery")]
    if not name.startswith("casework") or "sender" in name:
        return Figure(name, "ms", mine)
    return Figure(name, "ms", mine, "Celery", [one / base for one, base in zip(mine, other, strict=True)])


def _casework(ground: Ground, log: Path) -> Send:
    found = installation(ground, "offered", target="started", extra={"BENCH_LOG": str(log)})
    found.warm_up({"at": 0}, 100)
    return lambda at: seed.create(found.casework, found.queue, 1, 1, {"at": at})


def _celery(ground: Ground, log: Path) -> Send:
    celery_worker(ground, log)
    for _ in range(20):
        celery_app.started.delay(0)
    wait_for(lambda: log.exists() and log.read_bytes().count(b"\n") == 20, "the first tasks", 0.05)
    return lambda at: celery_app.started.delay(at)
