"""What work costs: bytes of WAL, commits, and processor time of the workers, of PostgreSQL and of Redis."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from time import sleep
from typing import Any

import psycopg
import redis

from bench.processes import cpu_seconds, tree

_TICKS = os.sysconf("SC_CLK_TCK")

FLUSH_SECONDS = 11.0
"""A session that has become idle reports its commits within ten seconds."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What has been spent since the beginning of something, or between two moments."""

    wal: float
    """Bytes, of the whole server."""
    commits: float
    workers: float
    """Seconds, as the following."""
    postgres: float
    redis: float

    def since(self, before: "Spent") -> "Spent":
        """The difference."""
        return Spent(*(getattr(self, one.name) - getattr(before, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Account:
    """Where one contender's spending is read: its database, its Redis, and its own processes with their descendants."""

    database: psycopg.Connection[Any] | None
    broker: redis.Redis | None
    processes: Callable[[], Sequence[int]]

    def read(self) -> Spent:
        """All that was spent until now."""
        workers = [pid for process in self.processes() for pid in tree(process)]
        wal, commits = self._written()
        return Spent(wal, commits, cpu_seconds(workers), self._postgres(), self._redis())

    @contextmanager
    def spending(self, *, flushes: bool = True) -> Iterator[Callable[[], Spent]]:
        """What the block spends. With `flushes` its commits are waited for, which must have been done before it too."""
        before = self.read()
        found: list[Spent] = []
        yield lambda: found[0]
        after = self.read()
        if flushes:
            sleep(FLUSH_SECONDS)
            _, commits = self._written()
            after = Spent(after.wal, commits, after.workers, after.postgres, after.redis)
        found.append(after.since(before))

    def _written(self) -> tuple[float, float]:
        if self.database is None:
            return 0.0, 0.0
        row = self.database.execute(
            "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8,"
            " (select xact_commit from pg_stat_database where datname = current_database())"
        ).fetchone()
        return (float(row[0]), float(row[1])) if row else (0.0, 0.0)

    def _postgres(self) -> float:
        """Of the server and its processes, those that have ended too."""
        if self.database is None:
            return 0.0
        backend = self.database.info.backend_pid
        stat = _stat(backend)
        if not stat or "postgres" not in stat[0]:
            return float("nan")
        server = int(stat[2])
        ended = _stat(server)
        return cpu_seconds(tree(server)) + (int(ended[14]) + int(ended[15])) / _TICKS

    def _redis(self) -> float:
        if self.broker is None:
            return 0.0
        found: Any = self.broker.info("cpu")
        return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the id: the name, the state, the parent and so on. Empty if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return []
    name, _, rest = text.partition("(")[2].rpartition(")")
    return [name, *rest.split()]
