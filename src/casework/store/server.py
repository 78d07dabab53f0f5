"""Connects to the server of a URL, makes casework's settings, and checks whether the server is suitable."""

import logging
import re
from datetime import datetime, timedelta
from json import JSONDecodeError, JSONDecoder
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo
from psycopg.types.json import set_json_loads

from casework.errors import DatabaseUnavailable, InvalidSettings
from casework.store import arrays
from casework.store.connection import Connection
from casework.store.pooled import PooledConnection
from casework.store.sqlstates import first_line, in_own_words

OLDEST_SERVER = 150000

# Settings that a role, a database or a server may change, and on which casework depends: how values are read, what a
# transaction sees and may do, and how long it may take.
_SESSION = {
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "exit_on_error": "off",
    "gin_fuzzy_search_limit": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "60s",
    # Compiling costs more than any statement here takes.
    "jit": "off",
}

_SINCE = {"idle_session_timeout": (140000, "0"), "transaction_timeout": (170000, "0")}
"""Settings that only newer servers have."""

# A custom plan costs a fraction of a millisecond. A generic plan from a time when tables were small, or for an
# unknown LIMIT, has cost 600 ms instead of 3.
CUSTOM_PLANS = {"plan_cache_mode": "force_custom_plan"}

# Workers and tickers repeat a few statements, and planning one costs as much as executing it. These statements find
# rows by key or at the front of an index, however large the tables are, so a cached plan is good as long as it uses
# the indexes. The settings force that, because for a table of a single page, sorting all rows looks as cheap as
# reading the first few in order. If the server may choose, it plans each claim again once it knows that most lanes
# are empty (0.3 of 5 ms).
CACHED_PLANS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

# Behind a pooler, this stands for the settings of `default_transaction_...`.
_BEGIN = "begin isolation level read committed read write"


_decoder = JSONDecoder()


def _read_json(data: str | bytes) -> Any:
    """As the standard library's, which first finds out how bytes are encoded, and looks for spaces around the value: that takes
    longer than reading what is short."""
    text = data if isinstance(data, str) else str(data, "utf-8")
    try:
        value, end = _decoder.raw_decode(text)
    except JSONDecodeError:
        end = -1
    return value if end == len(text) else _decoder.decode(text)


class _AlwaysIso(Loader):
    """Behind a pooler, the settings apply within the transaction, but its results are read later. They are in ISO
    format and UTC, whatever the connection reports then."""

    def load(self, data: Buffer) -> datetime:
        return datetime.fromisoformat(bytes(data).decode())


class _AlwaysPostgresStyle(Loader):
    """The same for the time between two moments, in days and less."""

    _FORMAT = re.compile(rb"(?:(-?\d+) days? ?)?(?:([+-]?)(\d+):(\d+):(\d+(?:\.\d+)?))?")

    def load(self, data: Buffer) -> timedelta:
        found = self._FORMAT.fullmatch(bytes(data))
        if not found:
            raise psycopg.DataError(f"{bytes(data).decode()!r} is not a number of days, hours, minutes and seconds")
        days, sign, hours, minutes, seconds = (part or b"0" for part in found.groups())
        time = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
        return timedelta(days=int(days)) + (-time if sign == b"-" else time)


def checked(url: str) -> str:
    """The URL as libpq takes it. Raises InvalidSettings, which never shows the password."""
    for prefix in ("postgresql://", "postgres://", "postgresql+psycopg://"):
        if url.startswith(prefix):
            url = "postgresql://" + url.removeprefix(prefix)
            break
    else:
        scheme = url.split(":")[0] if "://" in url else "another form"
        raise InvalidSettings(f"CASEWORK_DATABASE_URL must begin with postgresql:// (got {scheme!r})")
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise InvalidSettings(f"CASEWORK_DATABASE_URL: {_mistake(url)}") from None
    if "@" in str(parts.get("host", "")) + urlsplit(url).path or not all(
        map(_is_port, str(parts.get("port") or "5432").split(","))
    ):
        raise InvalidSettings(f"CASEWORK_DATABASE_URL: {_ESCAPE}")
    return url


_ESCAPE = (
    "its host or port cannot be read; ports are numbers up to 65535, and in a password @ is written %40, : %3A, / %2F"
)


def _is_port(text: str) -> bool:
    return not text or (text.isascii() and text.isdigit() and 0 < int(text[:9]) < 65536)


def _mistake(url: str) -> str:
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} | {"ssl"}
    for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if name not in known:
            return f'the parameter "{name}" is unknown to PostgreSQL\'s client'
    if any(part.count("=") > 1 for part in urlsplit(url).query.split("&")):
        return "in the value of a parameter write = as %3D and a space as %20"
    return "it cannot be read as a URL; in a user's name and password write special characters as %XX"


def shown(url: str) -> str:
    """The servers and the database of the URL, without users, passwords and options."""
    parts = conninfo_to_dict(url)
    hosts = str(parts.get("host") or parts.get("hostaddr") or "localhost").split(",")
    ports = str(parts.get("port") or "").split(",")
    ports = ports if len(ports) == len(hosts) else ports[:1] * len(hosts)
    named = [f"{host}:{port}" if port else host for host, port in zip(hosts, ports, strict=True)]
    return f"{','.join(named)}/{parts.get('dbname') or ''}"


_REFUSED = "connection is bad: "


def open_driver(url: str, application: str, **more: Any) -> psycopg.Connection[Any]:
    """A psycopg connection. Raises DatabaseUnavailable."""
    # Without this, psycopg also logs a warning when a broken connection is closed; the error is enough.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    given = {"connect_timeout": 3, "application_name": application, **conninfo_to_dict(url), "client_encoding": "UTF8"}
    try:
        return psycopg.connect(**{**given, "prepare_threshold": None, **more})
    except psycopg.OperationalError as error:
        reason = first_line(error)
        # The client refused a parameter, and did not try to reach a server.
        if reason.startswith(_REFUSED) and "connection to server" not in reason:
            raise InvalidSettings(f"CASEWORK_DATABASE_URL: {reason.removeprefix(_REFUSED)}") from error
        raise DatabaseUnavailable(f"The database at {shown(url)} does not answer: {reason}") from error
    except psycopg.ProgrammingError as error:
        raise InvalidSettings(f"CASEWORK_DATABASE_URL: {first_line(error)}") from error


def settings(driver: psycopg.Connection[Any], plans: dict[str, str]) -> dict[str, str]:
    """What casework sets on a connection to this server."""
    version = driver.info.server_version
    newer = {name: value for name, (since, value) in _SINCE.items() if version >= since}
    return _SESSION | newer | plans


def setting(values: dict[str, str], local: str = "true") -> str:
    """A statement that applies settings, by default until the transaction ends."""
    made = ", ".join(f"set_config('{name}', '{value}', {local})" for name, value in values.items())
    return f"select array[{made}] as settings"


def connect(url: str, application: str, plans: dict[str, str]) -> Connection:
    """A connection that is set up, whatever its role and server set. Raises DatabaseUnavailable.

    If a pooler is between, the server's pid differs from the one in the connection's startup message. Then the settings
    are made in each transaction, because the pooler may give the next transaction another connection, and this one to
    another client.
    """
    driver = open_driver(url, application, autocommit=True)
    set_json_loads(_read_json, driver)
    arrays.register(driver)
    try:
        values = settings(driver, plans)
        pid = driver.info.backend_pid
        asked = f"{setting(values, f'pg_backend_pid() <> {pid}')}, pg_backend_pid(), pg_is_in_recovery()"
        server_pid, is_standby = driver.execute(asked).fetchall()[0][-2:]
        if is_standby:
            raise DatabaseUnavailable(
                f"The server at {shown(url)} is a standby, which takes no writes: name the primary in CASEWORK_DATABASE_URL, "
                "or all servers, with target_session_attrs=read-write."
            )
        if server_pid == pid:
            return Connection(driver, opening=["begin"], prepares=True)
        driver.adapters.register_loader("timestamptz", _AlwaysIso)
        driver.adapters.register_loader("interval", _AlwaysPostgresStyle)
        within = {name: value for name, value in values.items() if not name.startswith("default_transaction_")}
        repeats = plans["plan_cache_mode"] == CACHED_PLANS["plan_cache_mode"]
        connection = PooledConnection(driver, opening=[_BEGIN, setting(within)], caches_plans=repeats)
        _try_a_transaction(connection, url)
        return connection
    except psycopg.Error as error:
        driver.close()
        if own := in_own_words(error, shown(url)):
            raise own from error
        raise
    except BaseException:
        driver.close()
        raise


def _try_a_transaction(connection: Connection, url: str) -> None:
    try:
        connection.begin_with()
        connection.commit()
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(
            f"The pooler at {shown(url)} did not let a transaction begin ({first_line(error)}): "
            "set its pool_mode to transaction or session."
        ) from error
