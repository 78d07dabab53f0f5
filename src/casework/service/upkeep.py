"""What grows and nobody needs any more."""

from datetime import timedelta

from casework.service.idempotency import KEPT
from casework.store import keys, processes
from casework.store.database import Database

_GONE = timedelta(days=1)


def tidy(db: Database) -> None:
    """Forget used idempotency keys, and processes that are long gone."""
    with db.begin() as tx:
        keys.forget_used(tx, KEPT)
        processes.forget_silent(tx, _GONE)
