"""Everything that casework assumes of Celery and kombu beyond their documentation, in one place.

Tested with Celery 5.7 and kombu 5.7; tests/broker/test_celery_internals.py fails when a version changes any of it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from celery.worker import state


def waiting(redis: Any, keys: Sequence[str]) -> int:
    """How many messages wait in queues: kombu keeps each queue as a Redis list of its name behind the global prefix."""
    return sum(redis.llen(key) for key in keys)


def reserved() -> int:
    """How many messages this worker's main process has received and not finished."""
    return len(state.reserved_requests)


def active() -> Iterator[tuple[int | None, Any]]:
    """The process and the arguments of each task that is being executed, as a worker's main process knows them."""
    for request in list(state.active_requests):
        yield request.worker_pid, request.args
