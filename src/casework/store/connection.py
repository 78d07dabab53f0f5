"""Statements on one connection: sent with the driver's cursors and pipelines, prepared where the connection is ours alone."""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from time import monotonic
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

Asked = tuple[str, Mapping[str, Any]]
"""A statement and its parameters."""

MOST_PREPARED = 200
"""Statements that stay prepared on a connection. Searches are put together from parts, and there is no end of them."""

_SNAPSHOT = "begin isolation level repeatable read, read only"

PLANS_KEPT_SECONDS = 2.0
"""While a table is tiny, reading all of it is cheapest, and the server keeps such a plan until the next autovacuum: with one,
a claim took 100 ms instead of 4. Planning what workers and tickers repeat takes 3 ms."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement returned."""

    rows: Sequence[Any]
    rowcount: int

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def all(self) -> list[Any]:
        """All rows."""
        return list(self.rows)

    def one_or_none(self) -> Any | None:
        """The only row; None if there is none. Raises ValueError if there are several."""
        if len(self.rows) > 1:
            raise ValueError(f"expected at most one row, got {len(self.rows)}")
        return self.rows[0] if self.rows else None

    def one(self) -> Any:
        """The only row. Raises ValueError if there is none, or several."""
        if len(self.rows) != 1:
            raise ValueError(f"expected one row, got {len(self.rows)}")
        return self.rows[0]

    def scalar_one(self) -> Any:
        """The only value of the only row."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any | None:
        """The only value; None if there is no row."""
        row = self.one_or_none()
        return None if row is None else row[0]


@cache
def _maker(names: tuple[bytes | None, ...]) -> Callable[[Sequence[Any]], Any]:
    row: Any = namedtuple("Row", [(name or b"").decode() for name in names], rename=True)  # type: ignore[misc]  # not literals
    return partial(tuple.__new__, row)


def rows_by_name(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Any]:
    """A row factory as the driver's `namedtuple_row`, whose rows take a fifth of the time to make."""
    result = cursor.pgresult
    return _maker(tuple(map(result.fname, range(result.nfields))) if result else ())


class Connection:
    """A connection, for one thread at a time. All methods raise the driver's errors.

    `opening` begins a transaction. Behind a pooler, where `prepares` is False, the next transaction may be on another server
    connection, where a prepared name is unknown, or somebody else's statement.
    """

    def __init__(self, driver: psycopg.Connection[Any], *, opening: Sequence[str], prepares: bool) -> None:
        self._driver = driver
        self._opening: list[Asked] = [(statement, {}) for statement in opening]
        self._prepares = prepares
        driver.row_factory = rows_by_name
        driver.prepared_max = MOST_PREPARED
        self._keep_prepared()
        self._cursor = driver.cursor()
        self._planned = self.used = monotonic()
        self._outdated = False

    def execute(self, statement: str, bound: Mapping[str, Any]) -> Rows:
        """Execute one statement, with `%(name)s` for parameters; outside of a transaction it is one."""
        self._tidy_up()
        try:
            return _rows(self._send(self._cursor, statement, bound))
        except psycopg.Error as error:
            self._note(error)
            raise

    def execute_together(self, *asked: Asked) -> list[Rows]:
        """Execute several in one round trip, inside a transaction. Raises the error of the first that fails."""
        self._tidy_up()
        try:
            with self._driver.pipeline():
                cursors = [self._send(self._driver.cursor(), *one) for one in asked]
            return [_rows(cursor) for cursor in cursors]
        except psycopg.Error as error:
            self._note(error)
            raise

    def begin_with(self, *asked: Asked, snapshot: bool = False) -> list[Rows]:
        """Begin a transaction with these statements, in one round trip; with `snapshot`, one that only reads one moment."""
        opening = [(_SNAPSHOT, {}), *self._opening[1:]] if snapshot else self._opening
        return self.execute_together(*opening, *asked)[len(opening) :]

    def execute_alone(self, *asked: Asked) -> list[Rows]:
        """Execute statements as a whole transaction, in one round trip. After an error there may be one to roll back."""
        if len(asked) == 1 and self._prepares:
            return [self.execute(*asked[0])]
        # A statement commits, and not the end of the pipeline, which also comes if a parameter cannot be sent.
        return self.execute_together(*self._opening, *asked, ("commit", {}))[len(self._opening) : -1]

    def commit(self) -> None:
        """Commit. Raises InFailedSqlTransaction if a statement had failed: the server rolls back then, and says nothing."""
        if self._driver.execute("commit", prepare=False).statusmessage == "ROLLBACK":
            raise psycopg.errors.InFailedSqlTransaction("a statement of this transaction failed")

    def roll_back(self, savepoint: str | None = None) -> None:
        """Roll back to the savepoint, or else the transaction, if there is one."""
        if self._driver.closed or self._driver.pgconn.transaction_status == TransactionStatus.IDLE:
            return
        # Of a rollback that it sees, the driver concludes that all prepared statements have to go.
        self._driver.prepare_threshold = None
        try:
            self._driver.execute(f"rollback to savepoint {savepoint}" if savepoint else "rollback")
        finally:
            self._keep_prepared()

    @property
    def is_direct(self) -> bool:
        """Whether no pooler stands between."""
        return self._prepares

    def is_idle(self) -> bool:
        """Whether the connection works, and is in no transaction."""
        return self._driver.pgconn.transaction_status == TransactionStatus.IDLE

    def answers(self) -> bool:
        """Whether the other side still is there."""
        try:
            self._driver.execute("", prepare=False)
        except psycopg.Error:
            return False
        return True

    def close(self) -> None:
        """Close it."""
        self._driver.close()

    def _send(self, cursor: psycopg.Cursor[Any], statement: str, bound: Mapping[str, Any]) -> psycopg.Cursor[Any]:
        return cursor.execute(statement, bound, prepare=self._prepares)

    def _keep_prepared(self) -> None:
        self._driver.prepare_threshold = 5 if self._prepares else None

    def _note(self, error: psycopg.Error) -> None:
        """Whether prepared statements have to go: what one returns has changed, or somebody deallocated it."""
        self._outdated |= isinstance(error, psycopg.errors.FeatureNotSupported | psycopg.errors.InvalidSqlStatementName)

    def _tidy_up(self) -> None:
        if not self._prepares or not (self._outdated or monotonic() > self._planned + PLANS_KEPT_SECONDS):
            return
        if self.is_idle():
            self._planned = monotonic()
            self._driver.execute("deallocate all" if self._outdated else "discard plans", prepare=False)
            self._outdated = False


def _rows(cursor: psycopg.Cursor[Any]) -> Rows:
    return Rows((), cursor.rowcount) if cursor.rownumber is None else Rows(cursor.fetchall(), cursor.rowcount)
