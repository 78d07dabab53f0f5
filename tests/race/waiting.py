"""Driving two connections into each other: wait until one waits for the other's lock, and never sleep for it."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from casework.store.database import Database

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


def wait_until_blocked(db: Database, rival: Rival, count: int = 1) -> None:
    """Return once that many of the database's connections wait for a lock."""
    end = monotonic() + PATIENCE
    while True:
        with db.begin() as tx:
            waiting = tx.sql(
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            ).scalar_one()
        if waiting >= count:
            return
        assert not rival.ended, "the rival did not wait for the lock"
        assert monotonic() < end, "nobody waits for a lock"
