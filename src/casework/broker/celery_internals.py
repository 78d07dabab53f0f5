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
        if not _has_ended(request):
            yield request.worker_pid, request.args


def _has_ended(request: Any) -> bool:
    """Whether a pool's process has written the result, which nobody reads while the broker is away. A process that is
    executing a task has nothing else to write."""
    applied = request._apply_result and request._apply_result()
    process = getattr(applied, "_write_to", None)
    if process is None:
        return False
    try:
        return bool(process.outq._reader.poll(0))
    except (OSError, ValueError):
        return False


def track_again(pool: Any) -> None:
    """Have a pool notice the end of each of its processes. To be called before the event loop starts.

    If several end at once, a new one may get the file descriptor of another, and with it the event of the other's end. The
    pool then no longer tracks the new one, and the event loop of the next connection cannot start: the worker ends.
    """
    for process in getattr(getattr(pool, "_pool", None), "_pool", ()):
        if getattr(process, "_sentinel_poll", 0) is None:
            del process._sentinel_poll
