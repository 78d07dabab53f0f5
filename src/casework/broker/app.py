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
from casework.broker.envelope import TICK_TASK
from casework.broker.names import RUNS, TICKS, runs_of


def make_app(
    broker_url: Callable[[], str],
    prefix: Callable[[], str],
    tick_seconds: Callable[[], float],
    group: Callable[[], str] = str,
) -> Celery:
    """A Celery application, for a worker of that group. The functions are called when the configuration is first needed, not
    before."""
    app = Celery("casework", set_as_current=False)
    app.add_defaults(lambda: configuration(broker_url(), prefix(), tick_seconds(), group()))
    return app


def _queue(name: str) -> Queue:
    return Queue(name, routing_key=name, no_ack=True)  # type: ignore[no-untyped-call]


def configuration(broker_url: str, prefix: str, tick_seconds: float, group: str = "") -> dict[str, Any]:
    """Celery's settings, with the reason for each that is not obvious."""
    return {
        # For log lines: without credentials. The transport connects by `redis_url`.
        "broker_url": f"{transport.install()}://{display(broker_url)}",
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # If Redis answers with errors, for example because its disk is full, wait as if it were down.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            "redis_url": broker_url,
            "global_keyprefix": prefix,
            "socket_keepalive": True,
            "socket_connect_timeout": 3,
            # Messages have no priorities, so that a worker waits for one list instead of four.
            "priority_steps": [0],
        },
        # Only JSON crosses the broker: write access to Redis must not allow running code.
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_default_queue": RUNS,
        # Taken from Redis without an acknowledgement: tracking acknowledgements costs a worker half of its
        # time, and adds nothing to what PostgreSQL knows. The sweep resends a message that is lost with its
        # worker.
        "task_queues": [_queue(runs_of(group)), _queue(TICKS)],
        "task_routes": {TICK_TASK: {"queue": TICKS}},
        # A message waits in Redis, where any worker can take it, instead of in a busy worker: a worker
        # without a free slot takes none. (A prefetch limit would not work, because it counts unacknowledged
        # messages.)
        "worker_disable_prefetch": True,
        # No remote control: its reply queues would have to survive a broker restart too.
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # In memory: the schedule is one line, and a file would need a writable directory.
        "beat_scheduler": "casework.broker.beat:Scheduler",
        # No `expires`: it compares the clocks of two machines. Instead, a tick removes all other waiting
        # ticks from the queue.
        "beat_schedule": {"tick": {"task": TICK_TASK, "schedule": schedule(tick_seconds, nowfun=_elapsed)}},
        "beat_max_loop_interval": max(tick_seconds, 0.1),
    }


def _elapsed() -> datetime:
    """Monotonic time for the beat. With wall-clock time, setting the clock back by an hour would stop ticks for an
    hour."""
    return datetime.fromtimestamp(monotonic(), UTC)
