"""Limits over queues, agents, and the values of a label or of a field of the data."""

import re
from dataclasses import asdict
from typing import Any
from uuid import UUID

from casework.core.duration import parse_span
from casework.core.effects import Committed, Effects
from casework.core.limits import Bounds, Limit, Rate
from casework.core.model import MAX_LABEL, AgentId, QueueId, TeamId
from casework.core.payload import check_text
from casework.errors import InvalidInput, NotFound
from casework.service import agents, queues
from casework.store import limits as store
from casework.store import parked
from casework.store.database import Database, Tx

MAX_CONCURRENCY = 100_000
MAX_COUNT = 1_000_000
MAX_SECONDS = 366 * 86400.0
MAX_REFILL_SECONDS = 10 * MAX_SECONDS
MAX_KEY = 300
_UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}


def find(db: Database, team_id: TeamId, queue: str | UUID | None = None) -> list[Limit]:
    """The limits of a team, or those that bind the cases of a queue. Raises NotFound."""
    with db.snapshot() as tx:
        queue_id = queues.resolve(tx, team_id, queue).id if queue is not None else None
        return store.find(tx, team_id, queue_id)


def put(
    db: Database,
    team_id: TeamId,
    *,
    queue: str | UUID | None = None,
    agent: str | UUID | None = None,
    key: str | None = None,
    concurrency: int | None = None,
    rate: Rate | None = None,
) -> Committed[Limit]:
    """Make a limit, or change the one that has this queue, agent and key. Every claim after it keeps to it; runs that are under
    way count.

    `queue` alone bounds all its agents together, `agent` alone the agent over all its queues, and both the agent in that queue.
    With `key`, `label:NAME` or `data.PATH`, each of its values is bounded for itself. `concurrency` is how many runs may hold a
    slot at once, and `rate` how many may start in a time. Raises InvalidInput and NotFound.
    """
    _check(queue, agent, key, Bounds(concurrency, rate))
    with db.begin() as tx:
        queue_id = queues.resolve(tx, team_id, queue).id if queue is not None else None
        agent_id = agents.resolve(tx, team_id, agent).id if agent is not None else None
        _lock(tx, queue_id, agent_id)
        limit = store.get(tx, team_id, store.put(tx, queue_id, agent_id, key, Bounds(concurrency, rate)))
    if limit is None:
        raise NotFound("queue", queue or "")
    return Committed(limit, Effects(nudge=True))


def _lock(tx: Tx, queue_id: QueueId | None, agent_id: AgentId | None) -> None:
    """In the order in which an agent is connected: the queue, the agent, the consumers. Raises NotFound if one is gone."""
    if queue_id and not store.lock_queue(tx, queue_id):
        raise NotFound("queue", queue_id)
    if agent_id:
        agents.lock_within(tx, agent_id)
    store.lock_consumers(tx, queue_id, agent_id)


def delete(db: Database, team_id: TeamId, limit_id: UUID) -> Committed[Limit]:
    """Delete a limit. What waited because of it is claimed in its turn. Raises NotFound, also if another request was first."""
    with db.begin() as tx:
        limit = store.get(tx, team_id, limit_id)
        if limit is None:
            raise NotFound("limit", limit_id)
        _lock(tx, limit.queue_id, limit.agent_id)
        if not store.delete(tx, limit):
            raise NotFound("limit", limit_id)
    if limit.key is not None:
        _let_out(db)
    return Committed(limit, Effects(nudge=True))


def fields_of(limit: Limit) -> dict[str, Any]:
    """A limit as the API and the command line show it."""
    return {
        "id": limit.id,
        "queue_id": limit.queue_id,
        "queue_name": limit.queue_name,
        "agent_id": limit.agent_id,
        "agent_name": limit.agent_name,
        "key": limit.key,
        "concurrency": limit.bounds.concurrency,
        "rate": asdict(limit.bounds.rate) if limit.bounds.rate else None,
        "live_runs": limit.used,
    }


def _let_out(db: Database) -> None:
    """Cases that wait in lines of a limit that is gone; in parts, because there may be very many. Ticks do the same."""
    after = parked.FIRST_LINE
    while True:
        with db.begin() as tx:
            waiting = parked.waiting(tx, after)
            moved = parked.serve(tx, waiting).moved if waiting else 0
        if not moved and len(waiting) < parked.LOOKED_AT:
            return
        after = after if moved else waiting[-1]


def _check(queue: object, agent: object, key: str | None, bounds: Bounds) -> None:
    if queue is None and agent is None:
        raise InvalidInput("A limit needs a queue, an agent, or both: what is it to bound?")
    if bounds.concurrency is None and bounds.rate is None:
        raise InvalidInput("A limit says how many runs at once, how many starts in a time, or both: give one of them.")
    if bounds.concurrency is not None and not 1 <= bounds.concurrency <= MAX_CONCURRENCY:
        raise InvalidInput(
            f"The concurrency of a limit must be between 1 and {MAX_CONCURRENCY}; pause the queue to stop it."
        )
    if bounds.rate:
        _check_rate(bounds.rate)
    if key is not None:
        check_key(key)


def _check_rate(rate: Rate) -> None:
    if not 1 <= rate.count <= MAX_COUNT:
        raise InvalidInput(f"The rate's number of starts must be between 1 and {MAX_COUNT}.")
    if not 0.001 <= rate.seconds <= MAX_SECONDS:
        raise InvalidInput("The rate's time must be between 0.001 seconds and 366 days.")
    if not 1 <= rate.burst <= MAX_COUNT:
        raise InvalidInput(f"The rate's burst must be between 1 and {MAX_COUNT}.")
    if rate.burst * rate.interval > MAX_REFILL_SECONDS:
        most = int(MAX_REFILL_SECONDS / rate.interval)
        raise InvalidInput(
            f"At this rate a burst may be {most} at most: a larger one would not come back in ten years."
        )


def check_key(key: str) -> None:
    """Raise InvalidInput unless the key names a label, or a field of the data."""
    check_text("key of the limit", key, least=1, most=MAX_KEY)
    kind, separator, name = key.partition(":")
    if separator and kind == "label":
        check_text("label's key", name, least=1, most=MAX_LABEL)
        return
    first, *path = key.split(".")
    if first != "data" or not path or not all(path):
        raise InvalidInput(
            f"The key {key!r:.60} of the limit names nothing: write label:NAME for a label's key, or data.FIELD for a field of the data, "
            "as in data.customer.id."
        )


def parse_rate(text: str, burst: int | None = None) -> Rate:
    """A rate as people write it: "10/minute", "10/30s", "3 / 2h". Raises InvalidInput."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(.{1,40}?)\s*", text, re.ASCII)
    if not found:
        raise InvalidInput(f'{text!r:.60} is not a rate: write a number and a time, as in "10/minute" or "100/30s".')
    count, time = found.groups()
    try:
        seconds = _UNITS.get(time) or parse_span(time).total_seconds()
    except InvalidInput as error:
        raise InvalidInput(
            f"{text!r:.60} is not a rate: its time is one of {', '.join(_UNITS)}, or a duration. {error}"
        ) from None
    return Rate(int(count), seconds, 1 if burst is None else burst)
