"""What Celery tells: that a worker starts, forks, and shuts down."""

import gc
import os
import signal
import threading
from contextlib import suppress
from functools import cache
from time import monotonic, sleep
from typing import Any

from billiard import active_children
from celery import signals
from celery.worker import state

from casework import events, log
from casework.embedded import identity
from casework.errors import Unavailable
from casework.service import release
from casework.settings import read_settings
from casework.worker import nudges
from casework.worker.identity import worker_name
from casework.worker.process import leave_parents_connections, made_process, this_process

RELEASE_SECONDS = 2.0
"""How long the runs of a worker whose shutdown time is over may take to stop by themselves."""


@signals.worker_init.connect(weak=False)  # type: ignore[untyped-decorator]
def prepare_to_fork(**_: Any) -> None:
    """Draw the name, so that the pool's children have the same; and exempt what is loaded from their garbage collection, which
    would write to all of it, so that they share it no more."""
    worker_name()
    gc.freeze()


@signals.celeryd_after_setup.connect(weak=False)  # type: ignore[untyped-decorator]
def import_agents(instance: Any, **_: Any) -> None:
    """Before the pool forks, so that its children share what the agents import."""
    if not _is_ticker(instance):
        this_process().capabilities.look()


@signals.setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]
def configure_logging(**_: Any) -> None:
    """casework's log lines instead of Celery's."""
    _configure_logging()


@cache
def _configure_logging() -> None:
    """A pool's child finds it done: its parent did it before the fork."""
    settings = read_settings()
    log.configure(settings.log_level, settings.log_format)


@signals.worker_ready.connect(weak=False)  # type: ignore[untyped-decorator]
def report_worker(sender: Any, **_: Any) -> None:
    """Report the worker from its main process, so that an idle one is seen."""
    pool = getattr(sender.pool, "name", type(sender.pool).__module__.rpartition(".")[2])
    events.emit(events.WorkerReady(worker_name(), pool))
    _stop_at_hangup()
    if _is_ticker(sender):
        threading.Thread(target=_listen_for_nudges, daemon=True).start()
    else:
        threading.Thread(target=_begin_supervising, args=(sender.controller.concurrency,), daemon=True).start()


def _stop_at_hangup() -> None:
    """SIGHUP, as of a closed terminal, stops the process as SIGTERM does: Celery would restart it by a command line that
    is not its own. One that is ignored stays ignored, as `nohup` wants it."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))


def _begin_supervising(slots: int) -> None:
    this_process().begin_serving(slots)


def _listen_for_nudges() -> None:
    nudges.listen(this_process())


@signals.worker_process_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
@signals.worker_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
def flush_completions(**_: Any) -> None:
    """A process that ends starts nothing more."""
    if made := made_process():
        made.executor.completions.flush()
        made.casework.finish_claims()


@signals.worker_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
def finish_tick(**_: Any) -> None:
    """Let the tick that is being done perform its effects, and begin no other: what it claimed would wait to be sent again."""
    if made := made_process():
        made.ticking.acquire(timeout=5)


@signals.worker_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
def end_in_order(sender: Any, **_: Any) -> None:
    """A Ctrl-C that lets runs end is no failure, as Celery has it: the other commands end with 0 after one, too."""
    if state.should_stop is not None and not state.should_terminate:
        sender.exitcode = 0


def _is_ticker(consumer: Any) -> bool:
    return "ticks" in consumer.app.amqp.queues.consume_from


@signals.worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]
def begin_child(**_: Any) -> None:
    """A pool's child makes its own connections, and does not outlive its parent.

    An orphan would go on with its run while the sweep gives the run to another worker.
    """
    leave_parents_connections()
    identity.die_with_parent(signal.SIGKILL)()


@signals.worker_shutting_down.connect(weak=False)  # type: ignore[untyped-decorator]
def begin_shutdown(how: str, **_: Any) -> None:
    """Celery waits for the runs for ever; this thread ends the wait."""
    seconds = read_settings().shutdown_seconds if how == "Warm" else 0.0
    events.emit(events.WorkerStopping(worker_name(), seconds))
    made = made_process()
    # A ticker has no slots, and is not to be seen as a worker.
    if made and made.heartbeats.slots:
        made.heartbeats.slots = 0
        with suppress(Unavailable):
            made.heartbeats.report()
    threading.Thread(target=_release_after, args=(seconds,), name="casework-shutdown", daemon=True).start()


def _release_after(seconds: float) -> None:
    sleep(seconds)
    casework = this_process().casework
    name = worker_name()
    try:
        if casework.perform(release.ask_to_release(casework.db, name, RELEASE_SECONDS)):
            _wait_until_idle(monotonic() + RELEASE_SECONDS)
        for child in active_children():
            os.kill(child.pid, signal.SIGKILL)
        released = casework.perform(release.release_all(casework.db, name))
        events.emit(events.WorkerReleased(name, released))
    except Unavailable as error:
        events.emit(events.WorkerNotReleased(name, str(error)))
    os._exit(0)


def _wait_until_idle(end: float) -> None:
    while monotonic() < end and release.count_running(this_process().casework.db, worker_name()):
        sleep(0.1)
