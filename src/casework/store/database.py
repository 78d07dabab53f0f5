"""The connection to PostgreSQL: transactions, the clock, and errors in casework's own words."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from time import monotonic
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.sql import Executable

from casework.errors import DatabaseUnavailable, InvalidSettings, SchemaOutdated

Clock = Callable[[], datetime]

# jit costs more than any statement here takes. A custom plan each time costs a fraction of a millisecond; a generic
# one that was made while tables were small, or for an unknown LIMIT, has cost 600 ms instead of 3.
_OPTIONS = "-c jit=off -c plan_cache_mode=force_custom_plan -c timezone=UTC -c idle_in_transaction_session_timeout=60s"

_UNDEFINED_TABLE = "42P01"
_UNDEFINED_COLUMN = "42703"


class Tx:
    """One transaction. Its statements see one moment: the database's clock, read once, or the clock of a test."""

    def __init__(self, connection: Connection, clock: Clock | None) -> None:
        self.connection = connection
        self.fixed_now = clock() if clock else None
        self._now = self.fixed_now

    @property
    def now(self) -> datetime:
        """The database's time, aware, in UTC."""
        if self._now is None:
            self._now = self.sql("select clock_timestamp()").scalar_one()
        return self._now

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run a SQLAlchemy statement."""
        return self.connection.execute(statement, parameters)

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        """Run SQL as the driver takes it, `%(name)s` for parameters, past the compiler's overhead.

        `%(now)s` is bound in every statement: the clock of a test, or NULL. See NOW.
        """
        bound = {"now": self.fixed_now, **(parameters or {})}
        return self.connection.exec_driver_sql(statement, bound)


NOW = "coalesce(%(now)s::timestamptz, now())"
"""The moment of a statement that needs no other: now() is stable, so it still is an index condition."""


class Database:
    """Opens transactions. Made once in a process, by wiring; a forked child disposes of what it inherited."""

    def __init__(
        self, url: str, *, application: str = "casework", pool_size: int = 5, clock: Clock | None = None
    ) -> None:
        self.clock = clock
        self.url = _driver_url(url)
        self.engine: Engine = create_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=5,
            connect_args={"connect_timeout": 3, "options": _OPTIONS, "application_name": application},
        )

        _ping_after_a_pause(self.engine)

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """One transaction: committed at the end of the block, rolled back when an error leaves it.

        Raises DatabaseUnavailable and SchemaOutdated.
        """
        with _own_errors(self.url), self.engine.begin() as connection:
            yield Tx(connection, self.clock)

    def forget_connections(self) -> None:
        """Drop inherited connections after a fork, without closing the parent's."""
        self.engine.dispose(close=False)

    def close(self) -> None:
        """Close the pool."""
        self.engine.dispose()


PAUSE_SECONDS = 1.0


def _ping_after_a_pause(engine: Engine) -> None:
    """Ask a connection whether it still is one, where it was not used for a while, and not before each transaction.

    A connection that broke within the last second fails the transaction that finds out, as one that breaks within it.
    """

    @event.listens_for(engine, "checkin")
    def note(_: Any, record: Any) -> None:
        record.info["used"] = monotonic()

    @event.listens_for(engine, "checkout")
    def ping(connection: Any, record: Any, _: Any) -> None:
        if monotonic() - record.info.get("used", monotonic()) < PAUSE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error


def _driver_url(url: str) -> str:
    for prefix in ("postgresql://", "postgres://", "postgresql+psycopg://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    raise InvalidSettings(f"CASEWORK_DATABASE_URL must begin with postgresql:// (got {url.split(':')[0]!r})")


def shown(url: str) -> str:
    """The URL without its password."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=True)


@contextmanager
def _own_errors(url: str) -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) in (_UNDEFINED_TABLE, _UNDEFINED_COLUMN):
            raise SchemaOutdated from error
        if getattr(error.orig, "sqlstate", None) is None and error.statement is None:
            raise InvalidSettings(f"CASEWORK_DATABASE_URL: {str(error.orig).strip()}") from error
        raise
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no answer"
        raise DatabaseUnavailable(f"The database at {shown(url)} does not answer: {reason}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseUnavailable(f"The database at {shown(url)} closed the connection.") from error
        raise
    except PoolTimeout as error:
        raise DatabaseUnavailable("All database connections are in use.") from error
