"""Whether the parts of an installation are there."""

from collections.abc import Callable
from functools import partial

from casework.errors import CaseworkError, Unavailable
from casework.settings import Settings
from casework.store import processes
from casework.store.database import Database, Tx


def database(db: Database) -> None:
    """Raise DatabaseUnavailable where the database does not answer."""
    with db.begin() as tx:
        tx.sql("select 1")


def role_seen(db: Database, settings: Settings, role: str) -> str:
    """When a ticker or worker was last seen. Raises Unavailable where that is too long ago."""
    with db.begin() as tx:
        if trouble := missing(tx, settings, role):
            raise Unavailable(trouble)
        last = processes.last_seen(tx, role)
        assert last is not None
        return f"seen {(tx.now - last).total_seconds():.0f} s ago"


def missing(tx: Tx, settings: Settings, role: str) -> str | None:
    """Why there seems to be no ticker or worker; None where one was seen lately."""
    last = processes.last_seen(tx, role)
    if last is None:
        return f"no {role} was ever seen: start `casework up` or `casework {role}`"
    age = (tx.now - last).total_seconds()
    return (
        f"no {role} seen for {age:.0f} s: start `casework up` or `casework {role}`"
        if age > settings.lease_seconds
        else None
    )


def readiness(db: Database, settings: Settings, check_broker: Callable[[], None]) -> dict[str, str]:
    """Each part of the installation: "ok", or what is wrong with it."""
    checks = {"database": _outcome(lambda: database(db)), "broker": _outcome(check_broker)}
    for role in ("ticker", "worker"):
        checks[role] = _outcome(partial(role_seen, db, settings, role)) if checks["database"] == "ok" else "unknown"
    return checks


def _outcome(check: Callable[[], object]) -> str:
    try:
        check()
    except CaseworkError as error:
        return str(error)
    return "ok"
