"""Real workers, tickers and beats, on a database and a Redis of their own."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from casework.broker.address import client
from casework.cli.roles import (
    API_MODULES,
    CELERY_MODULES,
    POOLS,
    Pool,
    api_command,
    beat_command,
    ticker_command,
    worker_command,
)
from casework.core.model import DEFAULT_TEAM, CaseId, Queue
from casework.embedded import Urls
from casework.forkserver.client import Forked, ForkServer
from casework.service import agents, queues
from casework.settings import Settings
from casework.wiring import Casework, connect
from databases import Databases
from factories import some_cases
from patience import PATIENCE, wait_for
from ports import free_port, get

QUICK = {
    "tick_seconds": 0.5,
    "lease_seconds": 3.0,
    "interrupt_grace_seconds": 3.0,
    "shutdown_seconds": 1.0,
    "resend_seconds": 1.0,
    "retry_base_seconds": 0.1,
}


Process = subprocess.Popen[bytes] | Forked


def _variables(settings: dict[str, Any]) -> dict[str, str]:
    return {f"CASEWORK_{name.upper()}": str(value) for name, value in settings.items()}


class Installation:
    """An installation whose processes a test starts and ends."""

    def __init__(
        self, casework: Casework, environment: dict[str, str], logs: Path, server: ForkServer | None = None
    ) -> None:
        """`server` forks the processes of each role; without it they are interpreters of their own."""
        self.casework = casework
        self.server = server
        self.db = casework.db
        self.settings = casework.settings
        self.environment = {**environment, "SAMPLE_LOG": str(logs / "sample.log")}
        self.logs = logs
        self.processes: list[Process] = []

    def start(self, command: list[str], **environment: Any) -> subprocess.Popen[bytes]:
        with self._log() as log:
            process = subprocess.Popen(
                command,
                env={**self.environment, **_variables(environment)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def _log(self) -> IO[bytes]:
        return (self.logs / f"{len(self.processes)}.log").open("wb")

    def _role(self, command: list[str], environment: dict[str, Any]) -> Process:
        if self.server is None:
            return self.start(command, **environment)
        with self._log() as log:
            given = {**self.environment, **_variables(environment)}
            process = self.server.start("test", command, given, output=log.fileno())
        self.processes.append(process)
        return process

    def worker(self, pool: Pool = Pool.PREFORK, concurrency: int = 4, **environment: Any) -> Process:
        return self._role(worker_command(pool, concurrency), environment)

    def ticker(self, **environment: Any) -> Process:
        return self._role(ticker_command(), environment)

    def beat(self, **environment: Any) -> Process:
        return self._role(beat_command(), environment)

    def api(self, port: int = 0, **environment: Any) -> tuple[int, Process]:
        """An API process that serves: its port, a free one if none is given, and the process."""
        port = port or free_port()
        process = self._role(api_command("127.0.0.1", port), environment)
        wait_for(lambda: get(port, "/healthz") == 200, "the API to serve")
        return port, process

    def everything(self, pool: Pool = Pool.PREFORK, concurrency: int = 4, **environment: Any) -> Process:
        """A ticker, a beat and one worker, which is returned."""
        self.ticker(**environment)
        self.beat(**environment)
        return self.worker(pool, concurrency, **environment)

    def command(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "casework", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            **options,
        )

    def add(self, queue: Queue, count: int = 1, data: Any = "") -> list[CaseId]:
        """New cases, and a nudge for the ticker."""
        ids = some_cases(self.db, queue, count, data=data)
        self.casework.publisher.nudge()
        return ids

    def counted(self, queue: Queue) -> dict[str, int]:
        return queues.stats(self.db, DEFAULT_TEAM, queue.id).cases

    def running(self, queue: Queue) -> int:
        return self._count("runs where queue_id = %(queue)s and status = 'running'", queue)

    def wait_until_ended(self, queue: Queue, count: int) -> None:
        ended = "cases where queue_id = %(queue)s and status in ('completed', 'failed')"
        wait_for(lambda: self._count(ended, queue) >= count, f"{count} cases to end")

    def _count(self, what: str, queue: Queue) -> int:
        with self.db.single() as tx:
            found: int = tx.sql(f"select count(*) from {what}", {"queue": queue.id}).scalar_one()
        return found

    def runs_per_case(self, queue: Queue) -> set[tuple[int, int]]:
        """The distinct pairs (completed runs, completed events) that cases have: {(1, 1)} is each exactly once."""
        with self.db.begin() as tx:
            rows = tx.sql(
                "select (select count(*) from runs r where r.case_id = c.id and r.status = 'completed') as runs, "
                "(select count(*) from case_history e where e.case_id = c.id and e.type = 'completed') as events "
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


# Redis has 16 databases; the last is the shared installation's.
_numbers = itertools.cycle(range(1, 15))
SHARED = 15


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    """Starts a process of any role in a hundredth of a second instead of one."""
    found = ForkServer(POOLS)
    found.load([*CELERY_MODULES, *API_MODULES])
    yield found
    found.close()


@pytest.fixture(scope="session")
def install(new_database: Databases, servers: Urls) -> Callable[[str, int, Path], Installation]:
    """Makes an installation of no process: `install(database, number of its Redis database, home)`."""

    def make(database: str, number: int, home: Path) -> Installation:
        redis_url = servers.redis.replace("virtual_host=0", f"virtual_host={number}").replace("/0", f"/{number}")
        values = {
            "database_url": new_database(database),
            "redis_url": redis_url,
            "agent_modules": "sample_agents",
            "agent_commands": "sh *",
            "home": home,
            **QUICK,
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CASEWORK_")}
        environment |= _variables(values)
        environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
        with client(redis_url) as redis:
            redis.flushdb()
        return Installation(connect(Settings(**values)), environment, home)

    return make


@pytest.fixture
def installation(install, server, tmp_path) -> Iterator[Installation]:
    """An installation of the test's own, for what needs other settings, or its own ticker."""
    found = install("processes", next(_numbers), tmp_path)
    found.server = server
    yield found
    found.end()
    found.casework.close()


class Shared:
    """A ticker and a beat for all tests of a session that only need such; and the worker of those that need no other."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._clock: list[Process] = []
        self._worker: tuple[Pool, Process] | None = None

    def tick(self) -> None:
        """Have a ticker and a beat."""
        if any(process.poll() is not None for process in self._clock) or not self._clock:
            self.installation.end()
            self._clock = [self.installation.ticker(), self.installation.beat()]

    def work(self, pool: Pool | None) -> None:
        """Have one worker, of that pool; or none."""
        if self._worker is not None:
            had, process = self._worker
            if had is pool and process.poll() is None:
                return
            process.kill()
            process.wait()
        self._worker = (pool, self.installation.worker(pool)) if pool else None

    def forget(self) -> None:
        """Delete what a test has left; nothing that it did may have ended the ticker or the beat."""
        assert [process.poll() for process in self._clock] == [None, None]
        db, settings = self.installation.db, self.installation.settings
        for queue in queues.find(db, DEFAULT_TEAM):
            self.installation.casework.perform(queues.delete(db, settings, DEFAULT_TEAM, queue.id))
        for agent in agents.find(db, DEFAULT_TEAM):
            self.installation.casework.perform(queues.delete_agent(db, settings, DEFAULT_TEAM, agent.id))

    def end(self) -> None:
        self.installation.end()
        self.installation.casework.close()


@pytest.fixture(scope="session")
def shared(install, tmp_path_factory) -> Iterator[Shared]:
    found = Shared(install("shared", SHARED, tmp_path_factory.mktemp("shared")))
    yield found
    found.end()


@pytest.fixture
def ticking(shared: Shared, server: ForkServer, tmp_path: Path) -> Iterator[Installation]:
    """A ticker and a beat that run. Workers are the test's, and end with it."""
    shared.tick()
    shared.work(None)
    found = Installation(shared.installation.casework, shared.installation.environment, tmp_path, server)
    yield found
    found.end()
    shared.forget()


@pytest.fixture
def working(shared: Shared, tmp_path: Path) -> Iterator[Callable[[Pool], Installation]]:
    """`working(pool)`: an installation that runs, with a worker of that pool and four slots."""

    def work(pool: Pool) -> Installation:
        shared.tick()
        shared.work(pool)
        return Installation(shared.installation.casework, shared.installation.environment, tmp_path)

    yield work
    shared.forget()
