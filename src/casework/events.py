"""What happens in casework, as typed events: the one seam for log lines, counters, metrics, traces and webhooks.

An event is emitted after the commit that it tells of, and may be lost with its process: what must not be lost is a row.
A subscriber is called in the thread that emits, so it must be quick; one that fails is logged and costs nobody its work.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar
from uuid import UUID

_logger = logging.getLogger("casework")


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events. `action` is the stable name that log lines and counters use."""

    action: ClassVar[str]
    level: ClassVar[int] = logging.INFO

    def values(self) -> dict[str, Any]:
        """The event's fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


Subscriber = Callable[[Event], None]

_subscribers: list[Subscriber] = []


def subscribe(subscriber: Subscriber) -> None:
    """Call `subscriber` for every event from now on; a second subscription of the same one changes nothing."""
    if subscriber not in _subscribers:
        _subscribers.append(subscriber)


def unsubscribe(subscriber: Subscriber) -> None:
    """Stop calling `subscriber`."""
    if subscriber in _subscribers:
        _subscribers.remove(subscriber)


def emit(event: Event) -> None:
    """Pass the event to every subscriber."""
    for subscriber in tuple(_subscribers):
        try:
            subscriber(event)
        except Exception:
            _logger.exception("events.subscriber_failed")


class Counts:
    """A subscriber that counts events by their action, since the process began."""

    def __init__(self) -> None:
        self.by_action: Counter[str] = Counter()

    def __call__(self, event: Event) -> None:
        """Count the event."""
        self.by_action[event.action] += 1


@dataclass(frozen=True, slots=True)
class CasesClaimed(Event):
    """A tick claimed cases for agents."""

    action = "cases.claimed"
    level = logging.DEBUG
    count: int


@dataclass(frozen=True, slots=True)
class TickFailed(Event):
    """A tick found a server unavailable; the next one tries again."""

    action = "tick.failed"
    level = logging.WARNING
    error: str


@dataclass(frozen=True, slots=True)
class RunLost(Event):
    """A worker fell silent, and the sweep took its run away."""

    action = "run.lost"
    level = logging.WARNING
    run: UUID
    attempt: int
    worker: str | None


@dataclass(frozen=True, slots=True)
class RunFencedOut(Event):
    """A run did not stop within the grace, and the sweep took its case away."""

    action = "run.fenced_out"
    level = logging.WARNING
    run: UUID
    attempt: int
    worker: str | None


@dataclass(frozen=True, slots=True)
class RunsResent(Event):
    """Messages of runs that did not start are sent once more."""

    action = "run.resent"
    count: int


@dataclass(frozen=True, slots=True)
class RunNotStarted(Event):
    """A message was a duplicate, or came after its run was interrupted."""

    action = "run.not_started"
    run: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class RunEnded(Event):
    """An attempt is over, and its outcome is written."""

    action = "run.ended"
    level = logging.DEBUG
    run: UUID
    attempt: int
    result: str


@dataclass(frozen=True, slots=True)
class WriteRefused(Event):
    """The fence refused a late outcome."""

    action = "run.write_refused"
    level = logging.WARNING
    run: UUID
    attempt: int
    what: str


@dataclass(frozen=True, slots=True)
class WriteDelayed(Event):
    """The database is unavailable: a start or an outcome is kept and tried again."""

    action = "run.write_delayed"
    level = logging.WARNING
    what: str
    tries: int


@dataclass(frozen=True, slots=True)
class RunsReturned(Event):
    """Runs that waited behind a slow one went back to other workers."""

    action = "run.returned"
    count: int


@dataclass(frozen=True, slots=True)
class StopRequested(Event):
    """A run is asked to stop; `lost` when it no longer is this worker's."""

    action = "run.stop_requested"
    run: UUID
    lost: bool


@dataclass(frozen=True, slots=True)
class HeartbeatFailed(Event):
    """A heartbeat could not be written."""

    action = "heartbeat.failed"
    level = logging.WARNING
    error: str


@dataclass(frozen=True, slots=True)
class WorkerReady(Event):
    """A worker or ticker consumes."""

    action = "worker.ready"
    worker: str
    pool: str


@dataclass(frozen=True, slots=True)
class WorkerStopping(Event):
    """A worker shuts down; its runs may go on for so many seconds."""

    action = "worker.stopping"
    worker: str
    seconds: float


@dataclass(frozen=True, slots=True)
class WorkerReleased(Event):
    """A worker that shuts down gave its runs to others."""

    action = "worker.released"
    worker: str
    runs: int


@dataclass(frozen=True, slots=True)
class WorkerNotReleased(Event):
    """A worker that shuts down could not reach the database; the sweep finds its runs."""

    action = "worker.not_released"
    level = logging.WARNING
    worker: str
    error: str


@dataclass(frozen=True, slots=True)
class AgentLoopDisturbed(Event):
    """An agent stopped, closed or broke out of the event loop that the async agents of a process share; it goes on."""

    action = "agents.loop_disturbed"
    level = logging.WARNING
    how: str
    error: str


@dataclass(frozen=True, slots=True)
class ConsumerStuck(Event):
    """Messages wait, there is room for them, and none is received: the consumer connects again."""

    action = "consumer.stuck"
    level = logging.WARNING
    worker: str


@dataclass(frozen=True, slots=True)
class ThreadRestarted(Event):
    """A thread that a promise hangs on ended, and was started again."""

    action = "thread.restarted"
    level = logging.ERROR
    thread: str
    error: str


@dataclass(frozen=True, slots=True)
class MessageRejected(Event):
    """The broker delivered something that casework did not send; it was thrown away."""

    action = "broker.message_rejected"
    level = logging.WARNING
    source: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class BrokerUnavailable(Event):
    """An effect was not sent; the next tick, sweep or heartbeat makes up for it."""

    action = "broker.unavailable"
    level = logging.WARNING
    effect: str
    error: str


@dataclass(frozen=True, slots=True)
class RedisShared(Event):
    """Another installation uses this Redis; with the same prefix, the two take each other's messages."""

    action = "broker.shared"
    level = logging.WARNING
    database: str
    same_prefix: bool


@dataclass(frozen=True, slots=True)
class StartupWaiting(Event):
    """A process waits for a server that does not answer yet."""

    action = "startup.waiting"
    level = logging.WARNING
    error: str


@dataclass(frozen=True, slots=True)
class RetentionFailed(Event):
    """Old rows could not be deleted; the next round tries again."""

    action = "retention.failed"
    level = logging.WARNING
    error: str


@dataclass(frozen=True, slots=True)
class ApiStarting(Event):
    """The HTTP API begins to listen."""

    action = "api.starting"
    url: str
    connections: int


@dataclass(frozen=True, slots=True)
class RequestServed(Event):
    """The HTTP API answered a request; `ms` is milliseconds."""

    action = "api.request"
    method: str
    path: str
    status: int
    ms: float
    key: UUID | None


@dataclass(frozen=True, slots=True)
class RequestUnavailable(Event):
    """A request was answered 503; the details stand here and not in the answer."""

    action = "api.unavailable"
    level = logging.WARNING
    error: str


@dataclass(frozen=True, slots=True)
class ConnectionsFull(Event):
    """The API has as many connections as it takes, all of them busy, and sent one away."""

    action = "api.connections_full"
    level = logging.WARNING
    connections: int


@dataclass(frozen=True, slots=True)
class NotReady(Event):
    """`/readyz` was answered 503; the details stand here and not in the answer."""

    action = "api.not_ready"
    level = logging.WARNING
    trouble: str


@dataclass(frozen=True, slots=True)
class RateLimitSkipped(Event):
    """The broker is unavailable, so requests pass without a rate limit."""

    action = "api.rate_limit_skipped"
    level = logging.WARNING
    error: str
