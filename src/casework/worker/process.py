"""One process of a worker: its connections, its supervisor, its name."""

import gc
import os
import socket
from dataclasses import replace
from threading import Lock
from time import monotonic, sleep

from casework import log
from casework.broker.publisher import Publisher
from casework.core.model import Bundle
from casework.errors import Unavailable
from casework.service.bundles import Execution, put_down
from casework.service.carry import Carry
from casework.service.completions import Done
from casework.service.dispatch import tick
from casework.service.paces import Paces
from casework.service.trail import Trail
from casework.service.upkeep import tidy
from casework.wiring import Casework, connect_when_possible
from casework.worker.app import app
from casework.worker.supervisor import Supervisor
from casework.worker.vouching import runs_of_living_children

TICK_SPACING_SECONDS = 0.01
"""Ticks that follow one another at once claim single cases; a short breath lets them claim batches."""

EMPTY_TICK_SPACING_SECONDS = 0.001
"""A tick that claimed nothing need not hold up a case that comes after it."""

TIDY_SECONDS = 600.0

CONNECTIONS = 20
"""At most, of a worker with so many busy threads; each is made when it is first needed, and used for a few milliseconds."""

_worker_name = f"{socket.gethostname()}:{os.getpid()}"


def worker_name() -> str:
    """The name that a worker's processes share: children of a pool keep their parent's."""
    return _worker_name


class WorkerProcess:
    """What the tasks of this process use."""

    def __init__(self, casework: Casework) -> None:
        self.casework = casework
        self.supervisor = Supervisor(casework, worker_name(), runs_of_living_children)
        self.carry = Carry(self._put_down)
        self.ticking = Lock()
        self._paces, self._trail = Paces(), Trail()
        self._next_tick = 0.0
        self._swept = 0.0
        self._tidied = 0.0

    def execute(self, bundle: Bundle) -> None:
        """Execute one attempt of each run, one after the other, and ask for a tick once."""
        casework = self.casework
        execution = Execution(
            casework.db,
            casework.settings,
            worker=worker_name(),
            watch=self.supervisor,
            perform=casework.effects,
            carry=self.carry,
        )
        casework.perform(execution.of(bundle))

    def _put_down(self, done: Done) -> None:
        casework = self.casework
        casework.perform(put_down(casework.db, casework.settings, self.supervisor, done))

    def tick(self, *, nudged: bool = False) -> None:
        """Look for work, one tick after another. A beat's tick sweeps: it waits for no breath, and not long for claims."""
        if nudged:
            sleep(max(0.0, self._next_tick - monotonic()))
        with self.ticking:
            if not nudged:
                self.casework.publisher.begin_tick()
            claimed = 0
            try:
                claimed = self._look(sweeping=self._sweep_is_due(nudged))
            except Unavailable as error:
                log.warn("tick.failed", error=str(error))
            self._next_tick = monotonic() + (TICK_SPACING_SECONDS if claimed else EMPTY_TICK_SPACING_SECONDS)
        if not nudged and monotonic() >= self._tidied + TIDY_SECONDS:
            self._tidied = monotonic()
            self._tidy()

    def _look(self, *, sweeping: bool) -> int:
        casework = self.casework
        ticks = tick(
            casework.db,
            casework.settings,
            ticker=f"ticker@{worker_name()}",
            sweeping=sweeping,
            paces=self._paces,
            trail=self._trail,
            seconds=casework.settings.tick_seconds / 2,
        )
        return sum(casework.perform(done).claimed for done in ticks)

    def _sweep_is_due(self, nudged: bool) -> bool:
        """At the beat's ticks, but not at those of several beats; at a nudge only where the beat has gone missing."""
        due = monotonic() >= self._swept + self.casework.settings.tick_seconds * (2 if nudged else 0.5)
        self._swept = monotonic() if due else self._swept
        return due

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
            # What was loaded so far stays for good. Left to the collector, it would be looked at again and again: a tenth of
            # a worker's time.
            gc.freeze()
        return _this[0]


def made_process() -> WorkerProcess | None:
    """This process's own, where it was needed yet."""
    return _this[0] if _this else None


def leave_parents_connections() -> None:
    """After a fork: keep what was the parent's untouched. Collecting it would close the parent's connections."""
    global _making
    _making = Lock()
    _inherited.extend(_this)
    _this.clear()


def _connect() -> Casework:
    casework = connect_when_possible(f"casework {worker_name()}", pool_size=CONNECTIONS, caches_plans=True)
    # The application that Celery consumes with also publishes: one set of connections.
    return replace(casework, make_publisher=lambda: Publisher(casework.publisher.url, app))
