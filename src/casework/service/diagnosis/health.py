"""Whether the parts of an installation are there."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from casework.errors import CaseworkError, InvalidSettings, Unavailable
from casework.settings import Settings
from casework.store import processes, schema
from casework.store.database import Database


def database(db: Database) -> None:
    """Raise DatabaseUnavailable if the database does not answer."""
    with db.begin() as tx:
        tx.sql("select 1")


def server(db: Database) -> str:
    """Whether a pooler is between casework and the server, and what it costs. Raises InvalidSettings for an unsuitable
    server."""
    with db.begin() as tx:
        problems, is_direct = schema.problems(tx), tx.is_direct
    if problems:
        raise InvalidSettings(f"CASEWORK_DATABASE_URL: {'; '.join(problems)}")
    if is_direct:
        return "reached without a pooler"
    return (
        "reached through a pooler: each transaction makes casework's settings, and only what workers and tickers repeat "
        "stays prepared"
    )


def role_seen(db: Database, settings: Settings, role: str) -> str:
    """How long ago a ticker or worker was seen. Raises Unavailable if that is too long ago."""
    with db.snapshot() as tx:
        last, now = processes.last_seen(tx).get(role), tx.now
    if lacking := absence(settings, role, last, now):
        raise Unavailable(lacking)
    assert last is not None
    return f"seen {(now - last).total_seconds():.0f} s ago"


def slots(db: Database, settings: Settings) -> str:
    """Whether workers have all their slots. Raises Unavailable if agents hold some that cannot be ended."""
    with db.snapshot() as tx:
        lost = processes.lost_slots(tx, settings.worker_silence)
    if lost:
        raise Unavailable(lost_slots(lost))
    return "none is held by an agent that does not end"


def lost_slots(lost: Mapping[str, int]) -> str:
    """What workers lost their slots to, by worker, and what ends that."""
    named = ", ".join(f"{count} of worker {worker}" for worker, count in lost.items())
    return (
        f"agents that do not look up hold slots: {named}; the worker ends once it is idle, and `casework worker --pool prefork` "
        "ends such agents"
    )


def absence(settings: Settings, role: str, last: datetime | None, now: datetime) -> str | None:
    """Why there seems to be no ticker or worker; None if one was seen lately. Ticks send nothing to a silent worker, long before
    its lease is over."""
    age = (now - last).total_seconds() if last else None
    lately = settings.worker_silence.total_seconds() if role == "worker" else settings.lease_seconds
    if age is not None and age <= lately:
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
