"""Doubles that stand between the code and its database: a test sees each statement, or acts before one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Seam:
    """A transaction. Subclasses do something besides sending each statement."""

    def __init__(self, tx: Any) -> None:
        self.tx = tx

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tx, name)

    def sql(self, statement: str, parameters: Any = None) -> Any:
        return self.tx.sql(statement, parameters)

    def together(self, *asked: Any) -> list[Any]:
        return [self.sql(*one) for one in asked]


class Interrupted(Seam):
    """Something else happens before a certain statement, which is found by a part of its text."""

    def __init__(self, tx: Any, before: str, act: Callable[[], object]) -> None:
        super().__init__(tx)
        self._before, self._act = before, act

    def sql(self, statement: str, parameters: Any = None) -> Any:
        if self._before in statement:
            self._act()
        return self.tx.sql(statement, parameters)


class Noting(Seam):
    """Notes what is sent."""

    def __init__(self, tx: Any, noted: list[tuple[str, Any]]) -> None:
        super().__init__(tx)
        self._noted = noted

    def sql(self, statement: str, parameters: Any = None) -> Any:
        self._noted.append((statement, parameters))
        return self.tx.sql(statement, parameters)


class Through:
    """A database whose transactions are a test's."""

    def __init__(self, db: Any, seam: Callable[[Any], Any]) -> None:
        self._db, self._seam = db, seam

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def acting_for(self, **who: str | None) -> "Through":
        self._db = self._db.acting_for(**who)
        return self

    @contextmanager
    def begin(self) -> Iterator[Any]:
        with self._db.begin() as tx:
            yield self._seam(tx)

    @contextmanager
    def snapshot(self) -> Iterator[Any]:
        with self._db.snapshot() as tx:
            yield self._seam(tx)

    # A single statement is halted within a transaction: alone it would hold nothing before it is committed.
    single = begin


def noting(db: Any) -> tuple[Any, list[tuple[str, Any]]]:
    """The database, and the list of the statements that will be sent through it, with their parameters."""
    noted: list[tuple[str, Any]] = []
    return Through(db, lambda tx: Noting(tx, noted)), noted
