"""Whether the parts of an installation are there."""

from collections.abc import Callable
from functools import partial

from casework.errors import CaseworkError, InvalidSettings, Unavailable
from casework.settings import Settings
from casework.store import processes, schema
from casework.store.database import Database, Tx


def database(db: Database) -> None:
    """Raise DatabaseUnavailable where the database does not answer."""
    with db.begin() as tx:
        tx.sql("select 1")


def server(db: Database) -> str:
    """What stands between, and what is lost by it. Raises InvalidSettings if the server does not suit casework."""
    with db.begin() as tx:
        problems, is_direct = schema.problems(tx), tx.is_direct
    if problems:
        raise InvalidSettings(f"CASEWORK_DATABASE_URL: {'; '.join(problems)}")
    if is_direct:
        return "reached without a pooler"
    return "reached through a pooler: no statement stays prepared, so each is planned whenever it is sent"


def role_seen(db: Database, settings: Settings, role: str) -> str:
    """How long ago a ticker or worker was seen. Raises Unavailable where that is too long ago."""
    with db.begin() as tx:
        age = _age(tx, role)
    if trouble := _trouble(settings, role, age):
        raise Unavailable(trouble)
    return f"seen {age:.0f} s ago"


def missing(tx: Tx, settings: Settings, role: str) -> str | None:
    """Why there seems to be no ticker or worker; None where one was seen lately."""
    return _trouble(settings, role, _age(tx, role))


def _age(tx: Tx, role: str) -> float | None:
    """Seconds since such a process was seen."""
    last = processes.last_seen(tx, role)
    return (tx.now - last).total_seconds() if last else None


def _trouble(settings: Settings, role: str, age: float | None) -> str | None:
    if age is not None and age <= settings.lease_seconds:
        return None
    seen = f"no {role} was ever seen" if age is None else f"no {role} seen for {age:.0f} s"
    return f"{seen}: start `casework up` or `casework {role}`"


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
