"""The connection to PostgreSQL: transactions, the clock, and errors in casework's own words."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from time import monotonic
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, CursorResult, Dialect, Engine, PoolProxiedConnection, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.sql import Executable

from casework.errors import (
    CaseworkError,
    DatabaseUnavailable,
    InvalidInput,
    InvalidSettings,
    SchemaOutdated,
    StatementTimeout,
)
from casework.store.prepared import Prepared, Rows

Clock = Callable[[], datetime]

# A connection that breaks also warns, while it is closed, that it is broken; the error says it.
logging.getLogger("psycopg").setLevel(logging.ERROR)

_OPTIONS = "-c jit=off -c timezone=UTC -c idle_in_transaction_session_timeout=60s"

# jit costs more than any statement here takes. A custom plan each time costs a fraction of a millisecond; a generic
# one that was made while tables were small, or for an unknown LIMIT, has cost 600 ms instead of 3.
_CUSTOM_PLANS = "-c plan_cache_mode=force_custom_plan"

# Workers and tickers send the same few statements again and again, and planning one costs as much as executing it. All
# of their rows are found by keys, or at the front of an index, however large the tables are: a cached plan is right as
# long as it is such a plan, also one that was made while a table had a single page: there, reading all of a queue's rows
# and sorting them looks as cheap as the first few in order. Left to choose, the server plans a claim anew each time as
# soon as it knows that most of the lanes are empty (0.3 of its 5 ms).
_CACHED_PLANS = (
    "-c plan_cache_mode=force_generic_plan"
    " -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
)


class Tx:
    """One transaction. Its statements see one moment: the database's clock, read once, or the clock of a test."""

    def __init__(
        self, prepared: Prepared, clock: Clock | None, connect: Callable[[], Connection] | None, *, begun: bool = True
    ) -> None:
        self._prepared = prepared
        self._connect = connect
        self.begun = begun
        self.fixed_now = clock() if clock else None
        self._now = self.fixed_now

    @cached_property
    def connection(self) -> Connection:
        """The connection as SQLAlchemy's; a single statement has none."""
        assert self._connect is not None
        self._begin()
        return self._connect()

    def _begin(self) -> None:
        if not self.begun:
            self.begun = True
            self._prepared.command(b"begin")

    @property
    def now(self) -> datetime:
        """The database's time, aware, in UTC."""
        if self._now is None:
            self._now = self.sql("select clock_timestamp()").scalar_one()
        return self._now

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run a SQLAlchemy statement."""
        return self.connection.execute(statement, parameters)

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        """Run SQL as the driver takes it, `%(name)s` for parameters. Compiling a statement, and wrapping its result,
        costs SQLAlchemy as much as a small statement takes.

        `%(now)s` is bound in every statement: the clock of a test, or NULL. See NOW.
        """
        if not self.begun:
            return self.together((statement, parameters or {}))[0]
        return self._prepared.execute(statement, {"now": self.fixed_now, **(parameters or {})})

    def together(self, *asked: tuple[str, Mapping[str, Any]]) -> list[Rows]:
        """Run several statements in one round trip, each as `sql` does: it sees what others have committed by then."""
        bound = [(statement, {"now": self.fixed_now, **parameters}) for statement, parameters in asked]
        if self.begun:
            return self._prepared.execute_together(*bound)
        self.begun = True
        return self._prepared.execute_together(("begin", {}), *bound)[1:]


NOW = "coalesce(%(now)s::timestamptz, now())"
"""The moment of a statement that needs no other: now() is stable, so it still is an index condition."""


class Database:
    """Opens transactions. Made once in a process, by wiring; a forked child disposes of what it inherited."""

    def __init__(
        self,
        url: str,
        *,
        application: str = "casework",
        pool_size: int = 5,
        clock: Clock | None = None,
        caches_plans: bool = False,
        statement_seconds: float = 0,
    ) -> None:
        """`statement_seconds` is how long a statement may take; 0 is no limit."""
        self.clock = clock
        self.url = _driver_url(url)
        plans = _CACHED_PLANS if caches_plans else _CUSTOM_PLANS
        limit = f" -c statement_timeout={int(statement_seconds * 1000)}" if statement_seconds else ""
        # The driver commits each statement by itself; `begin` begins a transaction where there are several.
        self.engine: Engine = create_engine(
            self.url,
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            pool_size=pool_size,
            # Beyond the pool's size a connection would be made for each use, at ten times the cost of a statement.
            max_overflow=0,
            pool_timeout=5,
            connect_args={
                "connect_timeout": 3,
                "options": f"{_OPTIONS} {plans}{limit}",
                "application_name": application,
                # Of a rollback that it sees, the driver concludes that all prepared statements have to go, also ours.
                "prepare_threshold": None,
            },
        )
        _look_after(self.engine)
        # To go through the pool costs as much as a small statement.
        self._at_hand: deque[PoolProxiedConnection] = deque()
        self._most_at_hand = pool_size // 2
        self._asking: deque[None] = deque()

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """One transaction: committed at the end of the block, rolled back when an error leaves it.

        Raises DatabaseUnavailable and SchemaOutdated.
        """
        with self._lent() as (pooled, prepared):
            tx = Tx(prepared, self.clock, lambda: Connection(self.engine, pooled), begun=False)
            try:
                yield tx
                if tx.begun:
                    prepared.command(b"commit")
            except BaseException:
                if tx.begun:
                    with suppress(psycopg.Error):
                        prepared.command(b"rollback")
                raise

    @contextmanager
    def single(self) -> Iterator[Tx]:
        """A transaction of one statement, or of several that are sent together. The server begins and commits it: one round
        trip instead of three.

        Raises DatabaseUnavailable and SchemaOutdated.
        """
        with self._lent() as (_, prepared):
            yield Tx(prepared, self.clock, None)

    @contextmanager
    def _lent(self) -> Iterator[tuple[PoolProxiedConnection, Prepared]]:
        with _own_errors(self.url):
            pooled = self._lend()
            prepared: Prepared = pooled.info["prepared"]
            try:
                yield pooled, prepared
            finally:
                self._take_back(pooled, idle=prepared.is_idle())

    def _lend(self) -> PoolProxiedConnection:
        """A connection of those that are kept at hand, or else the pool's."""
        pooled = self._take_from_hand() or self._ask_pool()
        try:
            _ping_after_a_pause(self.engine.dialect, pooled.driver_connection, pooled.info)
        except DisconnectionError:
            pooled.invalidate()
            return self._lend()
        return pooled

    def _take_from_hand(self) -> PoolProxiedConnection | None:
        try:
            return self._at_hand.pop()
        except IndexError:
            return None

    def _ask_pool(self) -> PoolProxiedConnection:
        self._asking.append(None)
        try:
            # One may have been put at hand since, by somebody who saw nobody ask: the pool will not get that one.
            return self._take_from_hand() or self.engine.raw_connection()
        except psycopg.ProgrammingError as error:
            if error.sqlstate is None:
                raise InvalidSettings(f"CASEWORK_DATABASE_URL: {str(error).strip()}") from error
            raise
        finally:
            self._asking.pop()

    def _take_back(self, pooled: PoolProxiedConnection, *, idle: bool) -> None:
        if not pooled.is_valid:
            return
        if not idle:
            # A connection that broke, or did not come out of its transaction, is not lent again.
            pooled.invalidate()
        elif self._asking or len(self._at_hand) >= self._most_at_hand:
            pooled.close()
        else:
            pooled.info["used"] = monotonic()
            self._at_hand.append(pooled)
            # Somebody may ask since, and have found nothing at hand.
            if self._asking and (unused := self._take_from_hand()):
                unused.close()

    def close(self) -> None:
        """Close all connections."""
        while unused := self._take_from_hand():
            unused.close()
        self.engine.dispose()


def prepared_of(connection: Connection) -> Prepared:
    """What the driver's connection below SQLAlchemy's has prepared."""
    return cast("Prepared", connection.info["prepared"])


PAUSE_SECONDS = 1.0


def _look_after(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        record.info["prepared"] = Prepared(connection)

    @event.listens_for(engine, "checkin")
    def note(_: Any, record: Any) -> None:
        record.info["used"] = monotonic()

    @event.listens_for(engine, "checkout")
    def ping(connection: Any, record: Any, _: Any) -> None:
        _ping_after_a_pause(engine.dialect, connection, record.info)


def _ping_after_a_pause(dialect: Dialect, connection: Any, info: dict[str, Any]) -> None:
    """Ask a connection whether it still is one, where it was not used for a while, and not before each transaction.

    A connection that broke within the last second fails the transaction that finds out, as one that breaks within it.
    Raises DisconnectionError.
    """
    if monotonic() - info.get("used", monotonic()) < PAUSE_SECONDS:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
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
    except PoolTimeout as error:
        raise DatabaseUnavailable("All database connections are in use.") from error
    except (DBAPIError, psycopg.Error) as error:
        own = _in_own_words(error, url)
        if own is None:
            raise
        raise own from error


def _in_own_words(error: DBAPIError | psycopg.Error, url: str) -> CaseworkError | None:
    """What an error of SQLAlchemy's or the driver's means to a user; None where it is a mistake of casework's."""
    wrapper, cause = (error, error.orig) if isinstance(error, DBAPIError) else (None, error)
    match cause:
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedColumn():
            return SchemaOutdated()
        case psycopg.errors.FeatureNotSupported():
            return DatabaseUnavailable(f"The schema of the database has changed: {_first_line(cause)}. Try again.")
        case psycopg.errors.ProgramLimitExceeded():
            return InvalidInput(f"This is more than the database can hold in one place: {_first_line(cause)}.")
        case psycopg.errors.QueryCanceled():
            return StatementTimeout()
        case psycopg.errors.DeadlockDetected():
            return DatabaseUnavailable(
                "This and another change waited for each other, and this one was undone. Try again."
            )
        case psycopg.OperationalError() | psycopg.errors.IdleInTransactionSessionTimeout():
            return DatabaseUnavailable(f"The database at {shown(url)} does not answer: {_first_line(cause)}")
    if wrapper and wrapper.connection_invalidated:
        return DatabaseUnavailable(f"The database at {shown(url)} closed the connection.")
    return None


def _first_line(error: BaseException | None) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else "no answer"
