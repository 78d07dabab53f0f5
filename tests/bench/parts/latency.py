"""From creation to the agent's first line, idle and at half load, against Celery from `delay` to the task's first line."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep, time

from bench import seed
from bench.figures import Figure, Series, at_most, percentile
from bench.ground import Ground, environment
from bench.peers import celery_app
from bench.processes import wait_for
from bench.runtime import CeleryWorker, Installation, celery_worker, installation
from casework.core.roles import Role
from casework.service import keys
from ports import free_port

IDLE_GAP = 0.04

KEPT = "Celery that keeps a row"


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
    found, log = _installation(ground)
    peer, log_of_peer = _celery_worker(ground)
    probes = {
        "casework": _casework(found, log),
        "Celery": _celery(log_of_peer),
        KEPT: _celery_with_rows(peer, log_of_peer),
    }
    api, answers = _api(ground, found, log)
    series: Series = {}
    for number in range(ground.rounds):
        for load, name in ((load, name) for load in ("idle", "half load") for name in probes):
            if load == "idle" or name != KEPT:
                ground.say(f"round {number + 1}/{ground.rounds}: {name}, {load}")
                for percent, value in _round(ground, probes[name], load).items():
                    series.setdefault(f"{name}, {load}, {percent}", []).append(value)
        ground.say(f"round {number + 1}/{ground.rounds}: over the API, idle")
        answers.clear()
        for percent, value in _round(ground, api, "idle").items():
            series.setdefault(f"casework over the API, idle, {percent}", []).append(value)
        series.setdefault("the API's answer, p50", []).append(percentile(answers, 50))
    mine = [_figure(series, load, percent) for load in ("idle", "half load") for percent in ("p50", "p99")]
    mine += [_figure(series, "idle", percent, KEPT) for percent in ("p50", "p99")]
    rates = [
        Figure(f"{name}, half load is", "/s", series[f"{name}, half load, rate"]) for name in ("casework", "Celery")
    ]
    return (
        mine
        + rates
        + [
            Figure(name, "ms", found)
            for name, found in series.items()
            if name.startswith(("Celery, ", "casework over", "the API")) and "rate" not in name
        ]
    )


def _round(ground: Ground, probe: _Probe, load: str) -> dict[str, float]:
    rate = 1 / IDLE_GAP if load == "idle" else probe.capacity(ground.size(400, 100)) / 2
    waited = probe.waited(ground.size(400, 40) if load == "idle" else int(rate * 3), 1 / rate)
    return {"p50": percentile(waited, 50), "p99": percentile(waited, 99), "rate": rate}


def _figure(series: Series, load: str, percent: str, peer: str = "Celery") -> Figure:
    mine, theirs = series[f"casework, {load}, {percent}"], series[f"{peer}, {load}, {percent}"]
    bars = {("Celery", "idle", "p50"): at_most(2.5), ("Celery", "idle", "p99"): at_most(3)}
    ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
    return Figure(f"casework, {load}, {percent}", "ms", mine, peer, ratios, bars.get((peer, load, percent)))


def _installation(ground: Ground) -> tuple[Installation, Path]:
    log = ground.home / "casework-starts"
    found = installation(ground, "latency", target="started", extra={"BENCH_LOG": str(log)})
    found.warm_up({"at": 0})
    return found, log


def _casework(found: Installation, log: Path) -> _Probe:
    # As the API and workers do, for the cases of their requests and runs.
    creator = replace(found.casework, claims_with=found.casework.db)
    return _Probe(log, lambda: seed.create(creator, found.queue, 1, 1, {"at": time()}))


def _api(ground: Ground, found: Installation, log: Path) -> tuple[_Probe, list[float]]:
    """Creates by requests of a client that stays connected; the list gets the milliseconds of each answer."""
    casework = found.casework
    _, token = keys.create(casework.db, casework.team_id, "bench", Role.ADMIN)
    address = "127.0.0.1", free_port()
    ground.processes.python(
        "casework.api", environment(casework, CASEWORK_RATE_LIMIT_PER_MINUTE="0"), *map(str, address)
    )
    client = HTTPConnection(*address, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answers: list[float] = []

    def send() -> None:
        if not answers:
            # The last round's connection was idle for too long.
            client.close()
            client.connect()
        at = time()
        body = json.dumps({"case": {"title": "case", "data": {"at": at}}})
        client.request("POST", f"/v1/queues/{found.queue.id}/cases", body, headers)
        answer = client.getresponse()
        answer.read()
        assert answer.status == 201, answer.status
        answers.append(1000 * (time() - at))

    def answers_at_all() -> bool:
        try:
            client.request("GET", "/healthz")
            return client.getresponse().read() != b""
        except OSError:
            client.close()
            return False

    wait_for(answers_at_all, "the API", 0.1)
    return _Probe(log, send), answers


def _celery_worker(ground: Ground) -> tuple[CeleryWorker, Path]:
    log = ground.home / "celery-starts"
    return celery_worker(ground, log), log


def _celery(log: Path) -> _Probe:
    probe = _Probe(log, lambda: celery_app.started.delay(time()) and None)
    probe.capacity(20)
    return probe


def _celery_with_rows(worker: CeleryWorker, log: Path) -> _Probe:
    """The least that keeps work and its start: a row is committed before the message is sent, and again before the first line."""

    def send() -> None:
        at = time()
        row = worker.database.execute("insert into jobs (data) values ('{}') returning id").fetchone()
        assert row is not None
        celery_app.recorded_start.delay(row[0], at)

    probe = _Probe(log, send)
    probe.capacity(20)
    return probe
