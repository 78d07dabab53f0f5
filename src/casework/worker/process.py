"""One process of a worker: its connections, its supervisor, its name."""

import os
import socket
from dataclasses import replace
from threading import Lock
from time import monotonic, sleep

from casework import log
from casework.broker.publisher import Publisher
from casework.core.model import RunMessage
from casework.errors import Unavailable
from casework.service.dispatch import tick
from casework.service.execute import execute
from casework.service.upkeep import tidy
from casework.wiring import Casework, connect_when_possible
from casework.worker.app import app
from casework.worker.supervisor import Supervisor

TICK_SPACING_SECONDS = 0.01
"""Ticks that follow one another at once claim single cases; a short breath lets them claim batches."""

TIDY_SECONDS = 600.0

_worker_name = f"{socket.gethostname()}:{os.getpid()}"


def worker_name() -> str:
    """The name that a worker's processes share: children of a pool keep their parent's."""
    return _worker_name


class WorkerProcess:
    """What the tasks of this process use."""

    def __init__(self, casework: Casework) -> None:
        self.casework = casework
        self.supervisor = Supervisor(casework, worker_name())
        self._next_tick = 0.0
        self._swept = 0.0
        self._tidied = 0.0

    def execute(self, message: RunMessage) -> None:
        """Execute one attempt of a run."""
        casework = self.casework
        done = execute(
            casework.db,
            casework.settings,
            message,
            worker=worker_name(),
            watch=self.supervisor.watch,
            perform=casework.effects,
        )
        casework.perform(done)

    def tick(self) -> None:
        """Look for work. Nudges come often; the sweep follows the beat."""
        sleep(max(0.0, self._next_tick - monotonic()))
        self.casework.publisher.begin_tick()
        settings = self.casework.settings
        sweeping = monotonic() >= self._swept + settings.tick_seconds / 2
        self._swept = monotonic() if sweeping else self._swept
        try:
            for done in tick(self.casework.db, settings, ticker=f"ticker@{worker_name()}", sweeping=sweeping):
                self.casework.perform(done)
        except Unavailable as error:
            log.warn("tick.failed", error=str(error))
        ended = monotonic()
        self._next_tick = ended + TICK_SPACING_SECONDS
        if ended >= self._tidied + TIDY_SECONDS:
            self._tidied = ended
            self._tidy()

    def _tidy(self) -> None:
        try:
            tidy(self.casework.db)
        except Unavailable as error:
            log.warn("tidy.failed", error=str(error))


_this: list[WorkerProcess] = []
_inherited: list[WorkerProcess] = []
_making = Lock()


def this_process() -> WorkerProcess:
    """This process's own; made when it is first needed, after a pool has forked."""
    with _making:
        if not _this:
            _this.append(WorkerProcess(_connect()))
        return _this[0]


def leave_parents_connections() -> None:
    """After a fork: keep what was the parent's untouched. Collecting it would close the parent's connections."""
    global _making
    _making = Lock()
    _inherited.extend(_this)
    _this.clear()


def _connect() -> Casework:
    casework = connect_when_possible(f"casework {worker_name()}", pool_size=5, caches_plans=True)
    # The application that Celery consumes with also publishes: one set of connections.
    return replace(casework, publisher=Publisher(casework.publisher.url, app))
