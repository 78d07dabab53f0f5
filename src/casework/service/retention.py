"""Retention: rows that nobody needs any more are deleted."""

from datetime import timedelta

from casework.service.idempotency import KEPT
from casework.store import keys, processes
from casework.store.database import Database

_GONE = timedelta(days=1)


def delete_old(db: Database) -> None:
    """Forget used idempotency keys, and processes that are long gone."""
    with db.begin() as tx:
        keys.forget_used(tx, KEPT)
        processes.forget_silent(tx, _GONE)
