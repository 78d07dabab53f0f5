"""One process of a worker: its connections, its heartbeats, its name."""

import gc
from contextlib import suppress
from dataclasses import replace
from math import inf
from threading import Lock
from time import monotonic, sleep

from casework import events
from casework.broker.names import Names
from casework.broker.presence import Presence
from casework.broker.publisher import Publisher
from casework.core.effects import Bundle, Effects, News
from casework.errors import Unavailable
from casework.service.dispatch import tick
from casework.service.execution.executor import Executor
from casework.service.retention import delete_old
from casework.service.sweep import sweep
from casework.service.ticker import Fleet, Ticker
from casework.wiring import Casework, connect, presence_of, when_available
from casework.worker.app import app
from casework.worker.capabilities import Capabilities
from casework.worker.children import bundles_of_living_children
from casework.worker.heartbeats import Heartbeats
from casework.worker.identity import worker_name
from casework.worker.threads import keep_running

TICK_SPACING_SECONDS = 0.01
"""Ticks that follow one another at once claim single cases; a short breath lets them claim batches."""

EMPTY_TICK_SPACING_SECONDS = 0.001
"""A tick that claimed nothing need not hold up a case that comes after it."""

RETENTION_SECONDS = 600.0

CONNECTIONS = 20
"""At most, of a worker with so many busy threads; each is made when it is first needed, and used for a few milliseconds."""


class WorkerProcess:
    """What the tasks of this process use."""

    def __init__(self, casework: Casework) -> None:
        self.casework = casework
        self.capabilities = Capabilities(casework)
        self.heartbeats = Heartbeats(
            casework, worker_name(), bundles_of_living_children, capabilities=self.capabilities, is_child=_is_child
        )
        self.executor = Executor(
            casework.db,
            casework.settings,
            worker=worker_name(),
            watch=self.heartbeats,
            perform=casework.effects,
        )
        self.presence = Presence(lambda: casework.publisher.redis, lambda: presence_of(casework.settings, casework.db))
        self.ticking = Lock()
        self._ticker = Ticker(f"ticker@{worker_name()}", Fleet(casework.settings))
        self._next_tick = 0.0
        self._swept = 0.0
        self._deleted_old = 0.0

    def begin_serving(self, slots: int) -> None:
        """Report this process as a worker with so many slots from now on, and ask for work."""
        self.heartbeats.slots = slots
        self.heartbeats.start()
        keep_running("casework-agents", self._keep_looking_for_agents)

    def _keep_looking_for_agents(self) -> None:
        """Apart from the heartbeats: a module may take long to import."""
        while True:
            sleep(self.casework.settings.heartbeat)
            with suppress(Unavailable):
                if self.capabilities.look():
                    self.heartbeats.report()
                    self.casework.effects(Effects(nudge=True))

    def execute(self, bundle: Bundle, *, ahead: bool) -> None:
        """Execute one attempt of each run, one after the other, and ask for a tick once."""
        self.casework.perform(self.executor.execute(bundle, ahead=ahead))

    def tick(self, news: News | None = None) -> None:
        """Look for work, one tick after another: at the news of nudges, or, as a beat asks, around. A beat's tick sweeps: it waits
        for no breath, and not long for claims."""
        nudged = news is not None
        if nudged:
            sleep(max(0.0, self._next_tick - monotonic()))
        with self.ticking:
            if not nudged:
                self.casework.publisher.begin_tick()
            claimed = 0
            try:
                claimed = self._look(news or News(), sweeping=self._sweep_is_due(nudged))
            except Unavailable as error:
                events.emit(events.TickFailed(str(error)))
            self._next_tick = monotonic() + (TICK_SPACING_SECONDS if claimed else EMPTY_TICK_SPACING_SECONDS)
        if not nudged:
            self.presence.refresh()
        if not nudged and monotonic() >= self._deleted_old + RETENTION_SECONDS:
            self._deleted_old = monotonic()
            self._delete_old()

    def sweep_without_beat(self) -> None:
        """Sweep, if no tick did for long: while the broker is away no beat asks for one, and leases, time limits and stops hold
        all the same. Nothing is claimed, because nothing could be sent."""
        with self.ticking:
            if not self._sweep_is_due(nudged=True):
                return
            try:
                self.casework.perform(sweep(self.casework.db, self.casework.settings, self._ticker, sends=False))
            except Unavailable as error:
                events.emit(events.TickFailed(str(error)))

    def seconds_to_next_start(self, most: float) -> float:
        """How long to wait for nudges: at most that long, and no longer than a rate demands. Never 0, which waits for ever."""
        return max(0.01, min(most, self._ticker.wakes_at - monotonic()))

    def may_start_more(self) -> bool:
        """Whether a rate lets a run start for which no tick has looked yet. Says so once."""
        due = monotonic() >= self._ticker.wakes_at
        if due:
            self._ticker.wakes_at = inf
        return due

    def _look(self, news: News, *, sweeping: bool) -> int:
        casework, seconds = self.casework, self.casework.settings.tick_seconds / 2
        ticks = tick(casework.db, casework.settings, self._ticker, news=news, sweeping=sweeping, seconds=seconds)
        return sum(casework.perform(done).claimed for done in ticks)

    def _sweep_is_due(self, nudged: bool) -> bool:
        """At the beat's ticks, but not at those of several beats; at a nudge only where the beat has gone missing."""
        due = monotonic() >= self._swept + self.casework.settings.tick_seconds * (2 if nudged else 0.5)
        self._swept = monotonic() if due else self._swept
        return due

    def _delete_old(self) -> None:
        try:
            delete_old(self.casework.db)
        except Unavailable as error:
            events.emit(events.RetentionFailed(str(error)))


_this: list[WorkerProcess] = []
_inherited: list[WorkerProcess] = []
_is_child = False
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
    global _making, _is_child
    _making, _is_child = Lock(), True
    _inherited.extend(_this)
    _this.clear()


def _names() -> Names:
    """The same that Celery uses, found out by the main process."""
    return Names(app.conf.broker_transport_options["global_keyprefix"])


def _connect() -> Casework:
    name = f"casework {worker_name()}"
    casework = when_available(
        lambda: connect(application=name, pool_size=CONNECTIONS, caches_plans=True, claims_at_once=True)
    )
    return replace(casework, make_publisher=lambda: Publisher(casework.publisher.url, _names))
