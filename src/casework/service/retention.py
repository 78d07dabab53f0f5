"""Retention: deletes rows that are no longer needed."""

from datetime import timedelta

from casework.service.idempotency import KEPT
from casework.store import keys, processes, web_sessions
from casework.store.database import Database

_GONE = timedelta(days=1)


def delete_old(db: Database) -> None:
    """Delete old idempotency keys, processes without a heartbeat for a day, and sessions that have expired."""
    with db.begin() as tx:
        keys.forget_used(tx, KEPT)
        processes.forget_silent(tx, _GONE)
        web_sessions.forget_expired(tx)
