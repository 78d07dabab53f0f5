"""The installation that a storm goes over: servers and processes as children, started again when they end."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from time import monotonic

from casework.cli.children import Child, Children
from casework.cli.roles import Pool, beat_command, ticker_command, worker_command
from casework.core.model import DEFAULT_TEAM
from casework.embedded.home import Home
from casework.embedded.servers import Postgres, Valkey, start_and_wait
from casework.service import agents, queues
from casework.settings import Settings
from casework.store import schema
from casework.store.database import Database
from casework.wiring import Casework, connect
from chaos.proxy import Proxy

LEASE_SECONDS = 3.0
TICK_SECONDS = 0.5
CONCURRENCY = 12


class Ground:
    """Two workers, a ticker and a beat over servers of their own."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="cw-"))
        self.home = Home(self.directory)
        self.home.make()
        self.postgres, self.valkey = Postgres(self.home), Valkey(self.home)
        for server in (self.postgres, self.valkey):
            start_and_wait(server, self.home)
        self.proxy = Proxy(self.home.sockets / ".s.PGSQL.5432")
        self.casework = self._connect()
        self.children = self._children()
        self.queue = queues.create(self.casework.db, DEFAULT_TEAM, "storm")
        for name, trigger in (("worker", True), ("chosen", False)):
            agent = agents.create(
                self.casework.db, self.casework.settings, DEFAULT_TEAM, name, target="chaos.agents:works"
            )
            queues.set_consumer(
                self.casework.db, DEFAULT_TEAM, self.queue.id, agent.id, trigger=trigger, concurrency=CONCURRENCY
            )
        self.children.start()

    def _settings(self) -> Settings:
        return Settings(
            database_url=self.home.database_url,
            redis_url=self.home.redis_url,
            agent_modules="chaos.agents",
            lease_seconds=LEASE_SECONDS,
            tick_seconds=TICK_SECONDS,
            interrupt_grace_seconds=2.0,
            shutdown_seconds=1.0,
            resend_seconds=2.0,
            retry_base_seconds=0.1,
        )

    def _connect(self) -> Casework:
        settings = self._settings()
        db = Database(settings.database_url)
        schema.upgrade(db)
        db.close()
        return connect(settings)

    def _children(self) -> Children:
        settings = self._settings()
        for name in [name for name in os.environ if name.startswith("CASEWORK_")]:
            del os.environ[name]
        environment = {
            f"CASEWORK_{name.upper()}": str(value) for name, value in settings.model_dump().items() if value != ""
        }
        environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
        cut = {**environment, "CASEWORK_DATABASE_URL": f"postgresql://casework@127.0.0.1:{self.proxy.port}/postgres"}
        # A server that listens on its socket alone is reached through the proxy's port.
        log = (self.directory / "processes.log").open("a")
        return Children(
            [
                Child("worker 1", worker_command(Pool.PREFORK, 6), environment),
                Child("worker 2", worker_command(Pool.THREADS, 6), cut),
                Child("ticker", ticker_command(), environment),
                Child("beat", beat_command(), environment),
            ],
            lambda name, line: print(f"{monotonic():.2f} {name}: {line}", file=log, flush=True),
        )

    def child(self, name: str) -> Child:
        """The process of that name."""
        return next(child for child in self.children.children if child.name == name)

    def close(self) -> None:
        """End everything, and leave nothing."""
        self.children.stop(1)
        self.casework.close()
        for server in (self.valkey, self.postgres):
            server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        sys.stdout.flush()
