"""Retention: deletes rows that are no longer needed."""

from datetime import timedelta

from casework.service.idempotency import KEPT
from casework.store import keys, processes
from casework.store.database import Database

_GONE = timedelta(days=1)


def delete_old(db: Database) -> None:
    """Delete old idempotency keys, and processes without a heartbeat for a day."""
    with db.begin() as tx:
        keys.forget_used(tx, KEPT)
        processes.forget_silent(tx, _GONE)
