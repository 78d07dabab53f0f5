"""The installation that a storm goes over: servers and processes as children, started again when they end."""

import itertools
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from time import monotonic

from casework.cli.children import Child, Children
from casework.cli.roles import Pool, api_command, beat_command, ticker_command, worker_command
from casework.core.effects import Committed
from casework.core.model import DEFAULT_TEAM, AgentId, Consumer
from casework.core.roles import Role
from casework.embedded.home import Home
from casework.embedded.servers import Postgres, Valkey, start_and_wait
from casework.service import agents, keys, queues
from casework.settings import Settings
from casework.store import schema
from casework.store.database import Database
from casework.wiring import Casework, connect
from chaos.clocks import Clock
from chaos.ledger import Ledger
from chaos.proxy import Proxy
from ports import free_port

LEASE_SECONDS = 3.0
TICK_SECONDS = 0.5
SLOTS = 4
CONCURRENCY = 3 * SLOTS
"""More than both workers have slots, so that the next case is there when a slot gets free."""
TRIGGERS = {"worker": True, "chosen": False}
"""The parts that agents have: one works on everything, and one on what it is chosen for."""
BUNDLE_SECONDS: float = Settings.model_fields["bundle_seconds"].default


class Ground:
    """Two workers, a ticker, a beat and the API over servers of their own."""

    def __init__(
        self,
        *,
        clocks: bool = False,
        database_clock: bool = False,
        concurrency: int | None = CONCURRENCY,
        bundle_seconds: float = BUNDLE_SECONDS,
        log: Path | None = None,
    ) -> None:
        """`log` is a file for what the processes write, which stays."""
        # A server whose files may not grow gets an error, as from a full disk, and not this signal.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXFSZ})
        self.concurrency, self.bundle_seconds = concurrency, bundle_seconds
        self.directory = Path(tempfile.mkdtemp(prefix="cw-"))
        self.log = log or self.directory / "processes.log"
        self.home = Home(self.directory)
        self.home.make()
        self.postgres, self.valkey = Postgres(self.home), Valkey(self.home)
        self.database_clock = Clock(self.home.postgres / "postgres.clock")
        with self.database_clock.preloaded() if database_clock else nullcontext():
            start_and_wait(self.postgres, self.home)
        start_and_wait(self.valkey, self.home)
        self.proxy = Proxy(self.home.sockets / ".s.PGSQL.5432")
        self.port = free_port()
        self.casework = self._connect()
        self.children = self._children()
        self.clocks = self._give_clocks() if clocks else {}
        self.turns = itertools.count()
        self.numbers = itertools.count(1)
        self.agents: dict[str, AgentId] = {}
        for name in TRIGGERS:
            self.make_agent(name)
        self.open_queue()
        self.ledger = Ledger()
        self.killed: Counter[str] = Counter()
        self.restarts: Counter[str] = Counter()
        self.children.start()

    def open_queue(self) -> None:
        """Make the queue that everybody uses from now on, with both agents as its consumers."""
        made = queues.create(self.casework.db, DEFAULT_TEAM, f"storm {next(self.numbers)}")
        self.queue = made
        for name in TRIGGERS:
            self.connect_agent(name)

    def make_agent(self, name: str) -> None:
        """Make the agent that has that part from now on."""
        db, settings = self.casework.db, self.casework.settings
        full = f"{name} {next(self.numbers)}"
        self.agents[name] = agents.create(db, settings, DEFAULT_TEAM, full, target="chaos.agents:works").id

    def connect_agent(self, name: str) -> Committed[Consumer]:
        """Connect the agent that has that part to the queue."""
        return queues.set_consumer(
            self.casework.db,
            DEFAULT_TEAM,
            self.queue.id,
            self.agents[name],
            trigger=TRIGGERS[name],
            concurrency=self.concurrency,
        )

    @property
    def chosen(self) -> AgentId:
        """The agent that cases are delegated to."""
        return self.agents["chosen"]

    def token(self, name: str) -> str:
        """A new key for the API."""
        return keys.create(self.casework.db, DEFAULT_TEAM, name, Role.OPERATOR)[1]

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
            bundle_seconds=self.bundle_seconds,
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
        log = self.log.open("a")
        return Children(
            [
                Child("worker 1", worker_command(Pool.PREFORK, SLOTS), environment),
                Child("worker 2", worker_command(Pool.THREADS, SLOTS), cut),
                Child("ticker", ticker_command(), environment),
                Child("beat", beat_command(), environment),
                Child("api", api_command("127.0.0.1", self.port), environment),
            ],
            lambda name, line: print(f"{monotonic():.2f} {name}: {line}", file=log, flush=True),
        )

    def _give_clocks(self) -> dict[str, Clock]:
        clocks = {}
        for child in self.children.children:
            clocks[child.name] = Clock(self.directory / f"{child.name}.clock")
            path = child.environment["PYTHONPATH"]
            child.environment = {**child.environment, **clocks[child.name].environment(path)}
        return clocks

    def watch(self) -> None:
        """Start again what has ended, and count it."""
        before = {child.name: child.process for child in self.children.children}
        self.children.watch()
        self.restarts.update(child.name for child in self.children.children if child.process is not before[child.name])

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
