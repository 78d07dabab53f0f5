"""Transactions on the database, one moment in each, and errors in casework's own words."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from time import monotonic
from typing import Any, cast

import psycopg
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from casework.errors import DatabaseUnavailable
from casework.store import server
from casework.store.connection import Asked, Connection, Rows
from casework.store.sqlstates import in_own_words

Clock = Callable[[], datetime]

NOW = "coalesce(%(now)s::timestamptz, now())"
"""The moment of a transaction: when it began, or the clock of a test. now() is stable, so it still is an index condition."""

PAUSE_SECONDS = 1.0
"""A connection that was idle for longer is asked whether it still is one; a transaction that finds out by itself fails."""


class Tx:
    """One transaction. All of its statements see one moment: see NOW."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock | None,
        *,
        begun: bool = True,
        single: bool = False,
        snapshot: bool = False,
    ) -> None:
        """`begun` is False if the first statement begins it; `single` if that also ends it."""
        self.connection = connection
        self.begun = begun
        self._single, self._snapshot = single, snapshot
        self._sent = False
        self.fixed_now = clock() if clock else None
        self._now = self.fixed_now

    @property
    def now(self) -> datetime:
        """The transaction's moment, aware, in UTC; the first time, it takes a statement to ask."""
        if self._now is None:
            self._now = self.sql("select now()").scalar_one()
        return self._now

    @property
    def is_direct(self) -> bool:
        """Whether no pooler stands between."""
        return self.connection.is_direct

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        """Run one statement, with `%(name)s` for parameters, `%(name)b` for those that go in binary.

        `%(now)s` is bound in every statement: the clock of a test, or NULL. See NOW.
        """
        if self.begun:
            return self.connection.execute(statement, {"now": self.fixed_now, **(parameters or {})})
        return self.together((statement, parameters or {}))[0]

    def together(self, *asked: Asked) -> list[Rows]:
        """Run several statements in one round trip, each as `sql` does: it sees what others have committed by then."""
        bound = [(statement, {"now": self.fixed_now, **parameters}) for statement, parameters in asked]
        if self.begun:
            return self.connection.execute_together(*bound)
        if self._single:
            assert not self._sent, "db.single() sends once; db.begin() is for several statements"
            self._sent = True
            return self.connection.execute_alone(*bound)
        self.begun = True
        return self.connection.begin_with(*bound, snapshot=self._snapshot)


class Database:
    """Opens transactions. Made once in a process, by wiring, and not before a fork."""

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
        """`statement_seconds` is how long a statement may take; 0 is no limit. Raises InvalidSettings if the URL cannot be
        read."""
        self.clock = clock
        self.url = server.checked(url)
        made = dict(server.CACHED_PLANS if caches_plans else server.CUSTOM_PLANS)
        if statement_seconds:
            made["statement_timeout"] = f"{int(statement_seconds * 1000)}ms"
        self._pool = QueuePool(
            cast("Any", lambda: server.connect(self.url, application, made)),
            pool_size=pool_size,
            # Beyond the pool's size a connection would be made for each use, at ten times the cost of a statement.
            max_overflow=0,
            timeout=5,
            reset_on_return=None,
            use_lifo=True,
        )

    def begin(self) -> AbstractContextManager[Tx]:
        """One transaction: committed at the end of the block, rolled back when an error leaves it.

        Raises DatabaseUnavailable and SchemaOutdated.
        """
        return self._transaction()

    def snapshot(self) -> AbstractContextManager[Tx]:
        """A transaction that only reads: all its statements see the database as it is at the first of them, and the
        server refuses one that would lock a row, so that no reader makes a claim pass a case over or a completion wait.

        Raises DatabaseUnavailable and SchemaOutdated.
        """
        return self._transaction(snapshot=True)

    def single(self) -> AbstractContextManager[Tx]:
        """A transaction of one statement, or of several that are sent together, in one round trip instead of three.

        Raises DatabaseUnavailable and SchemaOutdated, and AssertionError at a second statement.
        """
        return self._transaction(single=True)

    @contextmanager
    def _transaction(self, *, single: bool = False, snapshot: bool = False) -> Iterator[Tx]:
        pooled = self._lend()
        connection = cast("Connection", pooled.dbapi_connection)
        tx = Tx(connection, self.clock, begun=False, single=single, snapshot=snapshot)
        try:
            yield tx
            if tx.begun:
                connection.commit()
        except BaseException as error:
            with suppress(psycopg.Error):
                connection.roll_back()
            if isinstance(error, psycopg.Error) and (own := in_own_words(error, server.shown(self.url))):
                raise own from error
            raise
        finally:
            _take_back(pooled, connection)

    def _lend(self) -> PoolProxiedConnection:
        while True:
            try:
                pooled = self._pool.connect()
            except PoolTimeout as error:
                raise DatabaseUnavailable("All database connections are in use.") from error
            connection = cast("Connection", pooled.dbapi_connection)
            if monotonic() - connection.used < PAUSE_SECONDS or connection.answers():
                return pooled
            pooled.invalidate()

    def close(self) -> None:
        """Close all connections."""
        self._pool.dispose()


def _take_back(pooled: PoolProxiedConnection, connection: Connection) -> None:
    if connection.is_idle():
        connection.used = monotonic()
        pooled.close()
    else:
        # One that broke, or did not come out of its transaction, is not lent again.
        pooled.invalidate()
