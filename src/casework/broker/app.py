"""The Celery application, configured to carry messages and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from celery import Celery
from celery.schedules import schedule
from kombu.entity import Queue

from casework.broker import transport
from casework.broker.address import display
from casework.broker.names import RUNS, TICKS
from casework.broker.transport import RUN_TASK, TICK_TASK

__all__ = ["RUN_TASK", "TICK_TASK", "configuration", "make_app"]


def make_app(broker_url: Callable[[], str], prefix: Callable[[], str], tick_seconds: Callable[[], float]) -> Celery:
    """A Celery application. The functions are called when the configuration is first needed, not before."""
    app = Celery("casework", set_as_current=False)
    app.add_defaults(lambda: configuration(broker_url(), prefix(), tick_seconds()))
    return app


def _queue(name: str) -> Queue:
    return Queue(name, routing_key=name, no_ack=True)  # type: ignore[no-untyped-call]


def configuration(broker_url: str, prefix: str, tick_seconds: float) -> dict[str, Any]:
    """Celery's settings, each with its reason unless it is plain."""
    return {
        # For log lines: without credentials. The transport connects by `redis_url`.
        "broker_url": f"{transport.install()}://{display(broker_url)}",
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # A Redis that answers, but refuses, as with a full disk, is waited for like one that is away.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            "redis_url": broker_url,
            "global_keyprefix": prefix,
            "socket_keepalive": True,
            "socket_connect_timeout": 3,
            # Messages have no priorities: a worker waits for one list, and not for four.
            "priority_steps": [0],
        },
        # Only JSON crosses the broker: whoever can write to it must not thereby run code.
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_default_queue": RUNS,
        # Taken from Redis without an acknowledgement: keeping the record of it costs a worker half of its time, and says
        # nothing that PostgreSQL does not know. A message that dies with its worker is sent again by the sweep.
        "task_queues": [_queue(RUNS), _queue(TICKS)],
        "task_routes": {TICK_TASK: {"queue": TICKS}},
        # A message waits in Redis, where any worker can take it, and not in a worker that is busy: one whose slots are all
        # in use takes none. (The prefetch limit counts messages that are not acknowledged, and there are none.)
        "worker_disable_prefetch": True,
        # No remote control: its reply queues are one more thing that must survive a broker restart.
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # In memory: the schedule is one line, and a file beside it would have to be writable.
        "beat_scheduler": "celery.beat:Scheduler",
        # No `expires`: it compares the clocks of two machines. A tick takes all its waiting twins off the queue instead.
        "beat_schedule": {"tick": {"task": TICK_TASK, "schedule": schedule(tick_seconds, nowfun=_elapsed)}},
        "beat_max_loop_interval": max(tick_seconds, 0.1),
    }


def _elapsed() -> datetime:
    """The beat's own time. By the machine's, it would rest for as long as the clock is set back."""
    return datetime.fromtimestamp(monotonic(), UTC)
