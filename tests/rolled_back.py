"""A database that forgets everything, and a clock that stands still."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from casework.store.connection import Asked, Rows
from casework.store.database import Database, Tx


class Clock:
    """The time of a test: it stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class RolledBack(Database):
    """A database whose transactions are savepoints of one that is never committed."""

    def __init__(self, outer: Tx, clock: Clock) -> None:
        self.outer = outer
        self.clock = clock

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        self.outer.sql("savepoint block")
        try:
            yield Tx(self.outer.connection, self.clock, begun=True, actor=self.actor)
        except BaseException:
            self.outer.connection.roll_back("block")
            raise
        finally:
            self.outer.sql("release savepoint block")

    @contextmanager
    def single(self) -> Iterator[Tx]:
        with self.begin() as tx:
            yield Once(tx.connection, self.clock, begun=True, actor=self.actor)

    def snapshot(self) -> AbstractContextManager[Tx]:
        return self.begin()


class Once(Tx):
    """It refuses a second statement, as the transactions of `Database.single` do."""

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        return self.together((statement, parameters or {}))[0]

    def together(self, *asked: Asked) -> list[Rows]:
        assert self.begun, "db.single() sends once"
        self.begun = False
        return self.connection.execute_together(*((sql, self.bound(given)) for sql, given in asked))


@contextmanager
def rolled_back(db: Database, clock: Clock) -> Iterator[RolledBack]:
    """That database, until the block ends: then it is as before."""
    with undone(db) as tx:
        yield RolledBack(tx, clock)


class _Undone(Exception):
    pass


@contextmanager
def undone(db: Database) -> Iterator[Tx]:
    """A transaction that leaves nothing behind."""
    with suppress(_Undone), db.begin() as tx:
        yield tx
        raise _Undone
