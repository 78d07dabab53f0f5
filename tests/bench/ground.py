"""What all parts stand on: the servers, fresh databases, installations of casework, and the size of things."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from bench.processes import Processes
from casework import embedded
from casework.broker.address import client
from casework.settings import Settings
from casework.store import schema
from casework.store.database import Database
from casework.wiring import Casework, connect

AGENTS = "bench.agents"


class Skipped(Exception):
    """A part that this machine cannot measure; the message says why."""


@dataclass
class Ground:
    """Where a part measures."""

    home: Path
    rounds: int
    quick: bool
    large: bool
    say: Callable[[str], None]
    soak_minutes: float = 0.0
    long: bool = False
    peers: list[str] | None = None
    """Peers to install and measure, all of them if none is named; None to measure none."""
    _numbers: dict[str, int] = field(default_factory=dict)
    _databases: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.urls = embedded.resolve(
            Settings(
                home=self.home / "servers",
                database_url=os.environ.get("CASEWORK_TEST_DATABASE_URL", ""),
                redis_url=os.environ.get("CASEWORK_TEST_REDIS_URL", ""),
            )
        )
        (self.home / "logs").mkdir()
        self.processes = Processes(self.home / "logs")

    def size(self, usual: int, quick: int) -> int:
        """A number of things, fewer with --quick."""
        return quick if self.quick else usual

    @contextmanager
    def part(self) -> Iterator[None]:
        """What a part starts and makes is gone after the block: an autovacuum of its tables would be counted to the next one."""
        try:
            with self.processes.part():
                yield
        finally:
            with psycopg.connect(self.urls.database, autocommit=True) as connection:
                while self._databases:
                    connection.execute(f"drop database if exists bench_{self._databases.pop()} with (force)")

    def database(self, name: str) -> str:
        """A database of that name, empty."""
        self._databases.add(name)
        with psycopg.connect(self.urls.database, autocommit=True) as connection:
            connection.execute(f"drop database if exists bench_{name} with (force)")
            connection.execute(f"create database bench_{name}")
        return make_url(self.urls.database).set(database=f"bench_{name}").render_as_string(hide_password=False)

    def redis(self, name: str) -> str:
        """One of the server's numbered databases, empty."""
        number = self._numbers.setdefault(name, 1 + len(self._numbers) % 15)
        url = self.urls.redis.replace("virtual_host=0", f"virtual_host={number}")
        url = url if "virtual_host" in url else f"{url.rpartition('/')[0]}/{number}"
        with client(url) as redis:
            redis.flushdb()
        return url

    def casework(self, name: str, *, like_workers: bool = True, **settings: Any) -> Casework:
        """An installation on a database and a Redis of its own, connected to as workers and tickers do, or as the API does."""
        url = self.database(name)
        db = Database(url)
        schema.upgrade(db)
        db.close()
        values = {"home": self.home, "agent_modules": AGENTS, **settings}
        return connect(Settings(database_url=url, redis_url=self.redis(name), **values), caches_plans=like_workers)


def environment(casework: Casework, **more: str) -> dict[str, str]:
    """What a process of that installation is started with."""
    names = {name: str(value) for name, value in casework.settings.model_dump().items()}
    return {**more, **{f"CASEWORK_{name.upper()}": value for name, value in names.items()}}


def raw(casework: Casework) -> psycopg.Connection[Any]:
    """The bare driver on an installation's database, as it comes, with autocommit: plans are cached from the sixth use."""
    return psycopg.connect(casework.settings.database_url, autocommit=True, options="-c jit=off")
