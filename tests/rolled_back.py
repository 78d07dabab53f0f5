"""A database that forgets everything, and a clock that stands still."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from casework.store.database import Database, Tx, prepared_of


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

    def __init__(self, connection: Connection, clock: Clock) -> None:
        """The connection is one that does not commit by itself: see `uncommitted`."""
        self.clock = clock
        self.connection = connection

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        with self.connection.begin_nested():
            yield Tx(prepared_of(self.connection), self.clock, lambda: self.connection)

    single = snapshot = begin


def uncommitted(db: Database) -> Connection:
    """A connection whose changes are kept until a commit, and forgotten with a rollback."""
    return db.engine.connect().execution_options(isolation_level="READ COMMITTED")


@contextmanager
def rolled_back(db: Database, clock: Clock) -> Iterator[RolledBack]:
    """That database, until the block ends: then it is as before."""
    with uncommitted(db) as connection:
        outer = connection.begin()
        yield RolledBack(connection, clock)
        outer.rollback()


class _Undone(Exception):
    pass


@contextmanager
def undone(db: Database) -> Iterator[Tx]:
    """A transaction that leaves nothing behind."""
    with suppress(_Undone), db.begin() as tx:
        yield tx
        raise _Undone
