"""What happens to workers, tickers, their threads and their servers."""

import logging
from dataclasses import dataclass
from uuid import UUID

from casework.events.seam import Event


@dataclass(frozen=True, slots=True)
class ProcessKilled(Event):
    """A pool's process went on with runs that were no longer its own; it was killed, and the pool replaces it."""

    action = "worker.process_killed"
    level = logging.WARNING
    worker: str
    pid: int


@dataclass(frozen=True, slots=True)
class SlotLost(Event):
    """A thread goes on with a run that is no longer its own, and cannot be ended; the worker ends once it is idle."""

    action = "worker.slot_lost"
    level = logging.WARNING
    worker: str
    run: UUID
    slots: int


@dataclass(frozen=True, slots=True)
class AgentLacking(Event):
    """This worker cannot run an agent: its cases wait for a worker that can."""

    action = "worker.agent_lacking"
    level = logging.WARNING
    agent: str
    problem: str


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
class RedisShared(Event):
    """Another installation uses this Redis; with the same prefix, the two take each other's messages."""

    action = "broker.shared"
    level = logging.WARNING
    database: str
    same_prefix: bool
