"""Real workers, tickers and beats, on a database and a Redis of their own."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE, wait_for

from casework.broker.address import client
from casework.cli.roles import Pool, beat_command, ticker_command, worker_command
from casework.core.lifecycle import CaseStatus
from casework.core.model import DEFAULT_TEAM, Queue
from casework.service import queues
from casework.settings import Settings
from casework.wiring import Casework, connect

QUICK = {
    "tick_seconds": 0.5,
    "lease_seconds": 3.0,
    "interrupt_grace_seconds": 3.0,
    "shutdown_seconds": 1.0,
    "resend_seconds": 1.0,
    "retry_base_seconds": 0.1,
}


class Installation:
    """An installation whose processes a test starts and ends."""

    def __init__(self, casework: Casework, environment: dict[str, str], logs: Path) -> None:
        self.casework = casework
        self.db = casework.db
        self.settings = casework.settings
        self.environment = environment
        self.logs = logs
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, command: list[str], **environment: Any) -> subprocess.Popen[bytes]:
        extra = {f"CASEWORK_{name.upper()}": str(value) for name, value in environment.items()}
        with (self.logs / f"{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env={**self.environment, **extra},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def worker(self, pool: Pool = Pool.PREFORK, concurrency: int = 4, **environment: Any) -> subprocess.Popen[bytes]:
        return self.start(worker_command(pool, concurrency), **environment)

    def ticker(self, **environment: Any) -> subprocess.Popen[bytes]:
        return self.start(ticker_command(), **environment)

    def beat(self, **environment: Any) -> subprocess.Popen[bytes]:
        return self.start(beat_command(), **environment)

    def everything(self, pool: Pool = Pool.PREFORK, concurrency: int = 4) -> subprocess.Popen[bytes]:
        """A ticker, a beat and one worker, which is returned."""
        self.ticker()
        self.beat()
        return self.worker(pool, concurrency)

    def command(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "casework", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            **options,
        )

    def counted(self, queue: Queue) -> dict[str, int]:
        return queues.stats(self.db, DEFAULT_TEAM, queue.id).cases

    def running(self, queue: Queue) -> int:
        return queues.stats(self.db, DEFAULT_TEAM, queue.id).live_runs.get("running", 0)

    def wait_until_ended(self, queue: Queue, count: int) -> None:
        wait_for(
            lambda: self.counted(queue)[CaseStatus.COMPLETED] + self.counted(queue)[CaseStatus.FAILED] >= count,
            f"{count} cases to end",
        )

    def runs_per_case(self, queue: Queue) -> set[tuple[int, int]]:
        """The distinct pairs (completed runs, completed events) that cases have: {(1, 1)} is each exactly once."""
        with self.db.begin() as tx:
            rows = tx.sql(
                "select (select count(*) from runs r where r.case_id = c.id and r.status = 'completed') as runs, "
                "(select count(*) from case_events e where e.case_id = c.id and e.type = 'completed') as events "
                "from cases c where c.queue_id = %(queue)s",
                {"queue": queue.id},
            )
            return {(row.runs, row.events) for row in rows}

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
        for process in self.processes:
            process.wait()


_numbers = itertools.cycle(range(1, 16))


@pytest.fixture
def installation(new_database, servers, tmp_path) -> Iterator[Installation]:
    number = next(_numbers)
    redis_url = servers.redis.replace("virtual_host=0", f"virtual_host={number}").replace("/0", f"/{number}")
    values = {
        "database_url": new_database("processes"),
        "redis_url": redis_url,
        "agent_modules": "sample_agents",
        "home": tmp_path,
        **QUICK,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CASEWORK_")}
    environment |= {f"CASEWORK_{name.upper()}": str(value) for name, value in values.items()}
    environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
    environment["SAMPLE_LOG"] = str(tmp_path / "sample.log")
    with client(redis_url) as redis:
        redis.flushdb()
    found = Installation(connect(Settings(**values)), environment, tmp_path)
    yield found
    found.end()
    found.casework.close()
