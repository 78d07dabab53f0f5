"""Peers, each installed for the moment in an environment of its own: work alone, work with its creation, and single jobs, beside casework."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep, time
from typing import IO, Any, Protocol

import psycopg
import redis

from bench import seed
from bench.figures import Figure, Series, percentile
from bench.ground import Ground, Skipped
from bench.peers.catalog import PEERS, Peer
from bench.peers.installing import Installed, install
from bench.processes import tree, wait_for
from bench.runtime import Installation, installation
from bench.spending import Account
from casework.broker.address import client

PROCESSES = 2
WARM = 300
GAP = 0.05
CASEWORK = "casework"


class Contender(Protocol):
    """Whose workers stand ready."""

    @property
    def jobs(self) -> int:
        """How many a round works off."""

    def create(self, count: int) -> None:
        """Create jobs by a hundred."""

    def create_one(self) -> None:
        """Create one that is stamped with the moment."""

    def is_done(self) -> bool:
        """Whether no job is left."""

    def left(self) -> int:
        """How many jobs are left."""

    def processes(self) -> list[int]:
        """Those that work."""

    def account(self) -> Account:
        """Where its spending is read."""


def measure(ground: Ground) -> list[Figure]:
    """One contender at a time has work, in every round. What each keeps and promises is said in the log."""
    if ground.peers is None:
        raise Skipped("it installs packages: --peers, or --peers NAME, measures it")
    log = ground.home / "peer-starts"
    contenders: dict[str, Contender] = {CASEWORK: _Casework(ground, log)}
    for name in ground.peers or PEERS:
        try:
            contenders[name] = _running(ground, name, PEERS[name], log)
        except (Skipped, TimeoutError) as reason:
            ground.say(f"{name} is left out: {reason}")
    series: Series = {}
    for number in range(ground.rounds + 1):
        for name, contender in list(contenders.items()):
            ground.say(f"round {number}/{ground.rounds}: {name}" if number else f"warming up: {name}")
            try:
                found = _round(ground, contender, log) if number else _warmed_up(contender)
            except (Skipped, TimeoutError, BrokenPipeError) as reason:
                if name == CASEWORK:
                    raise
                ground.say(f"{name} is left out: {reason}")
                del contenders[name]
                continue
            for what, value in found.items():
                series.setdefault(f"{name}: {what}", []).append(value)
    return [_figure(series, name) for name in series]


def _warmed_up(contender: Contender) -> dict[str, float]:
    contender.create(WARM)
    wait_for(contender.is_done, "the first jobs", 0.05)
    return {}


def _figure(series: Series, name: str) -> Figure:
    contender, _, what = name.partition(": ")
    label, _, unit = what.rpartition(", ")
    mine, theirs = series[name], series.get(f"{CASEWORK}: {what}", [])
    if contender == CASEWORK or not theirs:
        return Figure(f"{contender}: {label}", unit, mine)
    ratios = [one / other for one, other in zip(mine, theirs, strict=True) if other]
    return Figure(f"{contender}: {label}", unit, mine, CASEWORK, ratios)


def _round(ground: Ground, contender: Contender, log: Path) -> dict[str, float]:
    count = min(contender.jobs, ground.size(contender.jobs, 500))
    with contender.account().spending(flushes=False) as spent:
        begun = perf_counter()
        contender.create(count)
        wait_for(contender.is_done, "the last job", 0.02)
        whole = count / (perf_counter() - begun)
    found = spent()
    alone = _alone(contender, count)
    waited = _waited(contender, log, ground.size(100, 20))
    return {
        "work alone, /s": alone,
        "with creation, /s": whole,
        "one job, p50, ms": percentile(waited, 50),
        "one job, p99, ms": percentile(waited, 99),
        **({"WAL, B a job": found.wal / count} if found.wal else {}),
        "processor time, ms a job": 1000 * (found.workers + found.postgres + found.redis) / count,
    }


def _alone(contender: Contender, count: int) -> float:
    """Jobs a second from the first end that is seen: one peer waits for seconds after its processes go on."""
    with _stopped(contender):
        contender.create(count)
    begun, left = perf_counter(), count
    wait_for(lambda: contender.left() < count, "the first job", 0.005)
    if some := contender.left():
        begun, left = perf_counter(), some
    wait_for(contender.is_done, "the last job", 0.01)
    return left / (perf_counter() - begun)


@contextmanager
def _stopped(contender: Contender) -> Iterator[None]:
    """Whoever works is warm and stands still."""
    pids = [pid for process in contender.processes() for pid in tree(process)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _waited(contender: Contender, log: Path, count: int) -> list[float]:
    """Milliseconds from creation to the first line of single jobs."""
    log.write_text("")
    for _ in range(count):
        sleep(GAP)
        contender.create_one()
    wait_for(lambda: log.read_bytes().count(b"\n") >= count, "the last start", 0.05)
    return [1000 * float(line) for line in log.read_text().splitlines()]


class _Casework:
    """casework with its own defaults: two processes, short runs sharing messages."""

    jobs = 10_000

    def __init__(self, ground: Ground, log: Path) -> None:
        extra = {"BENCH_LOG": str(log)}
        self._found: Installation = installation(ground, "peers", target="started_if_stamped", extra=extra)
        self._broker = client(self._found.casework.settings.redis_url)

    def create(self, count: int) -> None:
        seed.create(self._found.casework, self._found.queue, count, 100, {"at": 0})

    def create_one(self) -> None:
        seed.create(self._found.casework, self._found.queue, 1, 1, {"at": time()})

    def is_done(self) -> bool:
        return self._found.idle()

    def left(self) -> int:
        row = self._found.connection.execute("select count(*) from cases where completed_at is null").fetchone()
        return int(row[0]) if row else 0

    def processes(self) -> list[int]:
        return self._found.processes

    def account(self) -> Account:
        return Account(self._found.connection, self._broker, self.processes)


@dataclass
class _Running:
    """A peer whose processes run."""

    name: str
    peer: Peer
    workers: list[int]
    creator: subprocess.Popen[bytes]
    database: psycopg.Connection[Any] | None
    broker: redis.Redis
    log: Path

    @property
    def jobs(self) -> int:
        return self.peer.jobs

    def create(self, count: int) -> None:
        self._tell(f"many {count}")

    def create_one(self) -> None:
        self._tell("one")

    def is_done(self) -> bool:
        if self.database is None:
            return not self.left()
        row = self.database.execute(self.peer.done).fetchone()
        return bool(row and row[0])

    def left(self) -> int:
        if self.database is None:
            lists: list[Any] = [self.broker.llen(name) for name in self.peer.unfinished.split()]
            return sum(lists)
        row = self.database.execute(self.peer.left).fetchone()
        return int(row[0]) if row else 0

    def processes(self) -> list[int]:
        return self.workers

    def account(self) -> Account:
        return Account(self.database, self.broker, self.processes)

    def _tell(self, line: str) -> None:
        into: IO[bytes] | None = self.creator.stdin
        assert into
        into.write(f"{line}\n".encode())
        into.flush()
        self.wait_for("done")

    def wait_for(self, answer: str) -> None:
        """Raises Skipped if the creator ends: its log says why."""
        assert self.creator.stdout
        while (line := self.creator.stdout.readline()) and line.strip() != answer.encode():
            pass
        if not line:
            raise Skipped(f"{self.name}'s creator ended: {self.log.read_text(errors='replace')[:700]}")


def _running(ground: Ground, name: str, peer: Peer, log: Path) -> _Running:
    ground.say(f"installing {name}")
    installed = install(name, peer, ground.home)
    ground.say(f"{installed.versions}: {peer.keeps}")
    url, broker = ground.database(f"peer_{name.replace('-', '_')}"), ground.redis(name)
    given = _environment(url, broker, log)
    _install(installed, given)
    workers = [ground.processes.start([*installed.command, "work"], given).pid for _ in range(PROCESSES)]
    creator = ground.processes.start([*installed.command, "create"], given, talks=True)
    database = None if peer.on_redis else psycopg.connect(url, autocommit=True)
    found = _Running(name, peer, workers, creator, database, client(broker), ground.processes.last_log)
    found.wait_for("ready")
    return found


def _install(installed: Installed, given: dict[str, str]) -> None:
    """Make its tables. Raises Skipped."""
    command: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run
    environment = {**os.environ, **given}
    done = command([*installed.command, "install"], env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Skipped(f"its tables cannot be made: {(done.stderr or done.stdout).strip()[-300:]}")


def _environment(url: str, broker: str, log: Path) -> dict[str, str]:
    """PostgreSQL as a URL and as libpq's variables, which Node reads."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    return {
        "BENCH_DATABASE_URL": url,
        "BENCH_REDIS_URL": broker,
        "BENCH_LOG": str(log),
        "PYTHONPATH": "",
        **{names[name]: str(value) for name, value in parts.items() if name in names},
    }
