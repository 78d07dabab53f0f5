"""Driving two connections into each other: wait until one waits for the other's lock, and never sleep for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from casework.store.database import Database, Tx
from seams import Interrupted, Through

PATIENCE = 20.0


class Rival:
    """Something that runs in a thread of its own, and its result."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self._result: list[Any] = []
        self._error: list[BaseException] = []
        self._act = act
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._result.append(self._act())
        except BaseException as error:
            self._error.append(error)

    def result(self) -> Any:
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), "the rival did not end"
        if self._error:
            raise self._error[0]
        return self._result[0]

    @property
    def ended(self) -> bool:
        return not self.thread.is_alive()


def waiting(db: Database) -> int:
    """How many of the database's connections wait for a lock."""
    with db.single() as tx:
        count: int = tx.sql(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ).scalar_one()
    return count


def wait_until_blocked(db: Database, rival: Rival, count: int = 1) -> None:
    """Return once that many of the database's connections wait for a lock."""
    end = monotonic() + PATIENCE
    while waiting(db) < count:
        assert not rival.ended, "the rival did not wait for the lock"
        assert monotonic() < end, "nobody waits for a lock"


def wait_until_still(db: Database, *rivals: Rival) -> bool:
    """Return once each of them waits for a lock or has ended; whether any of them waits."""
    end = monotonic() + PATIENCE
    while True:
        acting = sum(not rival.ended for rival in rivals)
        if waiting(db) >= acting:
            return acting > 0
        assert monotonic() < end, "a rival neither ended nor waits for a lock"


class Halted(Through):
    """A database whose user stops once, for something else to happen: before a certain statement; or, if none is named,
    with all its locks before the commit of its n-th transaction that wrote."""

    def __init__(self, db: Database, act: Callable[[], object], before: str | None = None, commit: int = 1) -> None:
        super().__init__(db, lambda tx: Interrupted(tx, before, self._halt) if before else tx)
        self._act, self._commits, self._left = act, before is None, commit

    @property
    def happened(self) -> bool:
        return self._left <= 0

    @contextmanager
    def begin(self) -> Iterator[Any]:
        with super().begin() as tx:
            yield tx
            if self._commits and _wrote(tx):
                self._halt()

    single = begin

    @contextmanager
    def snapshot(self) -> Iterator[Any]:
        """A reader writes nothing: it is halted before a statement only."""
        with self._db.snapshot() as tx:
            yield self._seam(tx)

    def _halt(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._act()


def _wrote(tx: Tx) -> bool:
    return tx.sql("select pg_current_xact_id_if_assigned()").scalar_one() is not None
