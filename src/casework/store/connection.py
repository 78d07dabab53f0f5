"""Sends statements on one connection, with the driver's cursors and pipelines; prepares them on a direct one."""

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
"""The most statements that stay prepared on a connection. Searches are composed of parts, so there is no end to them."""

_SNAPSHOT = "begin isolation level repeatable read, read only"

PLANS_KEPT_SECONDS = 2.0
"""How long prepared statements are kept. While a table is tiny, a sequential scan is cheapest, and the server keeps
that plan until the next autovacuum: with it, a claim took 100 ms instead of 4. Planning the statements of workers and
tickers again takes 3 ms."""


@dataclass(slots=True)
class Rows:
    """What a statement returned."""

    rows: Sequence[Any]
    rowcount: int

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def all(self) -> list[Any]:
        return list(self.rows)

    def one_or_none(self) -> Any | None:
        """The only row; None if there are no rows. Raises ValueError if there are several."""
        if len(self.rows) > 1:
            raise ValueError(f"expected at most one row, got {len(self.rows)}")
        return self.rows[0] if self.rows else None

    def one(self) -> Any:
        """The only row. Raises ValueError if there are no rows, or several."""
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

    `opening` begins a transaction. Behind a pooler, `prepares` is False: the next transaction may be on another server
    connection, on which a prepared name is unknown, or belongs to a statement of another client.
    """

    def __init__(self, driver: psycopg.Connection[Any], *, opening: Sequence[str], prepares: bool) -> None:
        self._driver = driver
        self._opening: list[Asked] = [(statement, {}) for statement in opening]
        self._prepares = prepares
        driver.row_factory = rows_by_name
        driver.prepared_max = MOST_PREPARED
        self._keep_prepared()
        # Kept, because a cursor remembers how each type is written and read, and a new one finds that out again.
        self._cursors = [driver.cursor()]
        self._planned = self.used = monotonic()
        self._outdated = False

    def execute(self, statement: str, bound: Mapping[str, Any]) -> Rows:
        """Execute one statement, with `%(name)s` for parameters. Outside of a transaction, it is committed at once."""
        self._discard_old_plans()
        try:
            return _rows(self._send(self._cursors[0], statement, bound))
        except psycopg.Error as error:
            self._note(error)
            raise

    def execute_together(self, *asked: Asked) -> list[Rows]:
        """Execute several in one round trip, inside a transaction. Raises the error of the first that fails."""
        self._discard_old_plans()
        while len(self._cursors) < len(asked):
            self._cursors.append(self._driver.cursor())
        try:
            with self._driver.pipeline():
                sent = [self._send(cursor, *one) for cursor, one in zip(self._cursors, asked, strict=False)]
            return [_rows(cursor) for cursor in sent]
        except psycopg.Error as error:
            self._note(error)
            raise

    def begin_with(self, *asked: Asked, snapshot: bool = False) -> list[Rows]:
        """Begin a transaction with these statements, in one round trip; with `snapshot`, read-only and of one moment."""
        opening = [(_SNAPSHOT, {}), *self._opening[1:]] if snapshot else self._opening
        return self.execute_together(*opening, *asked)[len(opening) :]

    def execute_alone(self, *asked: Asked) -> list[Rows]:
        """Execute statements as a whole transaction, in one round trip. After an error, there may be one to roll back."""
        if len(asked) == 1 and self._prepares:
            return [self.execute(*asked[0])]
        # Commit with a statement instead of at the end of the pipeline, which is also reached if a parameter
        # cannot be sent.
        return self.execute_together(*self._opening, *asked, ("commit", {}))[len(self._opening) : -1]

    def commit(self) -> None:
        """Commit. Raises InFailedSqlTransaction if a statement failed, because the server then rolls back without an
        error."""
        if self._cursors[0].execute("commit", prepare=False).statusmessage == "ROLLBACK":
            raise psycopg.errors.InFailedSqlTransaction("a statement of this transaction failed")

    def roll_back(self, savepoint: str | None = None) -> None:
        """Roll back to the savepoint, or else the transaction, if there is one."""
        if self._driver.closed or self._is_idle():
            return
        # With preparing off, the driver does not see the rollback, after which it would deallocate all statements.
        self._driver.prepare_threshold = None
        try:
            self._driver.execute(f"rollback to savepoint {savepoint}" if savepoint else "rollback")
        finally:
            self._keep_prepared()

    @property
    def is_direct(self) -> bool:
        """Whether the connection is direct, without a pooler."""
        return self._prepares

    def is_reusable(self) -> bool:
        """Whether the connection works, is not in a transaction, and has no outdated statements."""
        return self._is_idle() and not self._outdated

    def answers(self) -> bool:
        """Whether the server still answers."""
        try:
            self._driver.execute("", prepare=False)
        except psycopg.Error:
            return False
        return True

    def plan_again(self) -> None:
        """Plan statements again from the next one on."""
        self._planned = float("-inf")

    def close(self) -> None:
        self._driver.close()

    def _send(self, cursor: psycopg.Cursor[Any], statement: str, bound: Mapping[str, Any]) -> psycopg.Cursor[Any]:
        return cursor.execute(statement, bound, prepare=self._prepares)

    def _keep_prepared(self) -> None:
        self._driver.prepare_threshold = 5 if self._prepares else None

    def _is_idle(self) -> bool:
        return self._driver.pgconn.transaction_status == TransactionStatus.IDLE

    def _note(self, error: psycopg.Error) -> None:
        """Whether prepared statements are outdated: the result type of one has changed, or somebody deallocated it."""
        self._outdated |= isinstance(error, psycopg.errors.FeatureNotSupported | psycopg.errors.InvalidSqlStatementName)

    def _discard_old_plans(self) -> None:
        if self._prepares and monotonic() > self._planned + PLANS_KEPT_SECONDS and self._is_idle():
            self._planned = monotonic()
            self._driver.execute("discard plans", prepare=False)


def _rows(cursor: psycopg.Cursor[Any]) -> Rows:
    return Rows((), cursor.rowcount) if cursor.rownumber is None else Rows(cursor.fetchall(), cursor.rowcount)
