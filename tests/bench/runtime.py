"""Workers that are measured: casework's and the peers', each started once and warm before the first round."""

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import redis

from bench import seed
from bench.ground import Ground, environment, raw
from bench.peers import celery_app
from bench.processes import wait_for
from casework.broker.address import client
from casework.cli.roles import Pool, beat_command, ticker_command, worker_command
from casework.core.model import Agent, Queue
from casework.service import cases
from casework.wiring import Casework

CELERY_FLAGS = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def has(module: str) -> bool:
    """Whether a peer is installed."""
    return find_spec(module) is not None


@dataclass
class Installation:
    """A casework with workers, a ticker and a beat."""

    casework: Casework
    queue: Queue
    agent: Agent
    workers: list[int]
    processes: list[int]
    """The workers, the tickers and the beat."""

    def __post_init__(self) -> None:
        self.connection = raw(self.casework)

    def idle(self) -> bool:
        """Whether nothing waits and nothing runs. While the newest case does, that is not asked: who looks for what is left
        passes all that is over, fifty times a second, which takes a tenth of the processors from what is measured."""
        row = self.connection.execute(
            "select case when (select lane is null and run_id is null from cases order by id desc limit 1) then"
            " not exists (select from cases where lane is not null) and not exists (select from runs where holds_slot) end"
        ).fetchone()
        return bool(row and row[0])

    def is_at_rest(self) -> bool:
        """Whether no run waits for a worker or is executed, whatever waits to be claimed."""
        row = self.connection.execute(
            "select not exists (select from runs where status in ('pending', 'running'))"
        ).fetchone()
        return bool(row and row[0])

    def clear(self, queue: Queue) -> None:
        """Delete the cases of a queue, and wait for the ends of its runs."""
        casework = self.casework
        casework.perform(cases.clear(casework.db, casework.settings, casework.team_id, queue.id))
        wait_for(self.is_at_rest, "the ends of runs")

    def completed(self) -> int:
        """How many cases are completed."""
        row = self.connection.execute("select count(*) from cases where status = 'completed'").fetchone()
        return row[0] if row else 0

    def warm_up(self, data: object = "", count: int = 40) -> None:
        """Let every process make its connections, and learn how long runs take."""
        before = self.completed()
        seed.create(self.casework, self.queue, count, 1, data)
        wait_for(lambda: self.completed() == before + count, "the first cases", 0.1)

    def last_run(self) -> UUID:
        """The newest run."""
        row = self.connection.execute("select id from runs order by id desc limit 1").fetchone()
        assert row is not None
        return UUID(str(row[0]))


def installation(
    ground: Ground,
    name: str,
    *,
    workers: int = 1,
    pool: Pool = Pool.PREFORK,
    concurrency: int = 2,
    tickers: int = 1,
    target: str = "noop",
    extra: dict[str, str] | None = None,
    **settings: Any,
) -> Installation:
    """Start it. Several tickers share the work."""
    casework = ground.casework(name, **settings)
    queue, agent = seed.worked_queue(casework, target=f"bench.agents:{target}")
    given = environment(casework, **(extra or {}))
    started = [ground.processes.start(worker_command(pool, concurrency), given).pid for _ in range(workers)]
    besides = [
        ground.processes.start(command, given).pid for command in (*[ticker_command()] * tickers, beat_command())
    ]
    return Installation(casework, queue, agent, started, started + besides)


@dataclass
class CeleryWorker:
    """A worker of bare Celery; messages are sent from this process."""

    broker: redis.Redis
    database: psycopg.Connection[tuple[int]]

    def marked(self) -> bool:
        """Whether the task that was said to be the last has run."""
        return bool(self.broker.get(celery_app.MARK))

    def forget(self) -> None:
        """Take the mark away."""
        self.broker.delete(celery_app.MARK)


def celery_worker(ground: Ground, log: Path | None = None, concurrency: int = 2) -> CeleryWorker:
    """Start it, prefork."""
    url, database = ground.redis("celery"), ground.database("celery")
    connection = psycopg.connect(database, autocommit=True)
    connection.execute(celery_app.SCHEMA)
    given = {"BENCH_REDIS_URL": url, "BENCH_DATABASE_URL": database, "BENCH_LOG": str(log)}
    flags = ["-P", "prefork", "-c", str(concurrency), "-n", "peer@%h", *CELERY_FLAGS]
    ground.processes.start([sys.executable, "-m", "celery", "-A", "bench.peers.celery_app", "worker", *flags], given)
    celery_app.app.conf.broker_url = url
    return CeleryWorker(client(url), connection)
