"""What stands still, and why."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from casework.core.model import Queue, QueueMode, TeamId
from casework.errors import CaseworkError, Unavailable
from casework.settings import Settings
from casework.store import claims, processes
from casework.store import queues as queue_store
from casework.store.database import Database, Tx

_STANDSTILL = timedelta(seconds=10)


def database(db: Database) -> None:
    """Raise DatabaseUnavailable where the database does not answer."""
    with db.begin() as tx:
        tx.sql("select 1")


def role_seen(db: Database, settings: Settings, role: str) -> str:
    """When a ticker or worker was last seen. Raises Unavailable where that is too long ago."""
    with db.begin() as tx:
        trouble = missing(tx, settings, role)
    if trouble:
        raise Unavailable(trouble)
    return "seen"


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


def queues(db: Database, settings: Settings, team_id: TeamId) -> Iterator[tuple[Queue, str | None]]:
    """Each queue, and why it stands still; None where it does not."""
    with db.begin() as tx:
        found = [(queue, _trouble(tx, settings, queue)) for queue in queue_store.find(tx, team_id)]
    yield from found


def _trouble(tx: Tx, settings: Settings, queue: Queue) -> str | None:
    oldest = claims.oldest_ready(tx, queue.id, tx.now)
    if oldest is None or tx.now - oldest < _STANDSTILL:
        return None
    waits = f"cases are ready since {(tx.now - oldest).total_seconds():.0f} s"
    if queue.mode is not QueueMode.ACTIVE:
        return f"{waits}, but the queue is {queue.mode}: casework queues resume {queue.name}"
    consumers = queue_store.consumers_of(tx, queue.id)
    if not consumers:
        return f"{waits}, but it has no consumers: casework consumers set {queue.name} AGENT"
    if not any(one.trigger for one in consumers):
        return f"{waits}, but no consumer has its trigger on"
    lacking = missing(tx, settings, "ticker") or missing(tx, settings, "worker")
    if lacking:
        return f"{waits}; {lacking}"
    full = [one for one in consumers if one.concurrency is not None and one.live_runs >= one.concurrency]
    return None if full else f"{waits}, although its consumers have room"


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
