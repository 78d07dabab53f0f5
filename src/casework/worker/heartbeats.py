"""The thread of heartbeats: one statement for all runs of a process.

Liveness is this thread's, not the agent's: an agent may work for hours without a call, and its run is not taken away
while the process lives.
"""

import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

from casework import events
from casework.agents.stop import Stop
from casework.core.effects import Bundle, Effects, RunMessage
from casework.core.model import RunId
from casework.errors import Unavailable
from casework.store import processes, runs
from casework.wiring import Casework
from casework.worker.capabilities import Capabilities
from casework.worker.interrupts import Interrupts
from casework.worker.overstayed import Overstayed, kill_processes
from casework.worker.threads import keep_running

RETRY_SECONDS = 1.0
"""After a heartbeat that could not be written: workers that are not heard of get no work."""


class Heartbeats:
    """Keeps the runs that this process executes alive, and ends those that do not end."""

    def __init__(
        self,
        casework: Casework,
        worker: str,
        children: Callable[[], list[tuple[int, Bundle]]],
        *,
        capabilities: "Capabilities | None" = None,
        is_child: bool = False,
        threaded: bool = True,
    ) -> None:
        """`children` names the pool's processes that live, and what each executes. `is_child` says that this is one of them.
        Without `threaded` only `beat` beats."""
        self._casework = casework
        self._worker = worker
        self._children = children
        self._is_child, self._threaded = is_child, threaded
        self._lock = threading.RLock()
        self._interrupts = Interrupts(casework.publisher)
        self._thread: threading.Thread | None = None
        grace = casework.settings.interrupt_grace_seconds
        self._processes: Overstayed[tuple[int, Bundle]] = Overstayed(grace)
        self._threads: Overstayed[RunMessage] = Overstayed(grace)
        self._lost: set[RunMessage] = set()
        self._capabilities = capabilities or Capabilities(casework)
        self._greeted = False
        self.slots = 0
        """How many runs this worker may execute at once; 0 while it starts, and while it ends."""

    def begin(self, message: RunMessage, stop: Stop) -> None:
        """Keep a run alive from now on; `stop` is asked when it is to stop."""
        self._interrupts.begin(message, stop)
        if self._thread is None:
            self.start()

    def end(self, message: RunMessage) -> None:
        """Let go of a run."""
        self._interrupts.end(message)

    def watched(self) -> list[RunMessage]:
        """The runs that this process keeps alive."""
        return [message for message, _ in self._interrupts.watched().values()]

    def start(self) -> None:
        """Report this process as a worker from now on, with or without runs."""
        with self._lock:
            if self._threaded and self._thread is None:
                self._thread = keep_running("casework-heartbeats", self._keep_beating)

    def _keep_beating(self) -> None:
        while True:
            seconds = self._casework.settings.heartbeat
            next_beat = monotonic() + seconds
            try:
                self.beat()
                self._greet()
            except Unavailable as error:
                events.emit(events.HeartbeatFailed(str(error)))
                next_beat = monotonic() + min(seconds, RETRY_SECONDS)
            while (left := next_beat - monotonic()) > 0:
                self._interrupts.deliver_from_redis(left)

    def _greet(self) -> None:
        """Ask for work when the first report of slots is written: nothing is claimed before."""
        if self.slots and not self._greeted:
            self._greeted = True
            self._casework.effects(Effects(nudge=True))

    def beat(self) -> None:
        """Say what lives; stop what was asked to, or was given away; end what goes on all the same."""
        watched = self._interrupts.watched()
        children = self._children()
        db = self._casework.db
        # Single statements: in a transaction, an agent that takes the interpreter between two of them would hold their
        # locks, and keep everybody from the run who vouches for it, sweeps it or takes it away.
        if not self._is_child:
            self.report()
        living = [message for message, _ in watched.values()] + [run for _, bundle in children for run in bundle]
        alive: dict[RunId, bool] = {}
        if living:
            with db.single() as tx:
                alive = runs.heartbeat(tx, living)
        self._interrupts.deliver_after_heartbeat(watched, alive)
        holding = {one: any(run.run_id in alive for run in one[1]) for one in children}
        if overdue := self._processes.look(holding, monotonic()):
            # The database may have taken long to answer: what has ended since is not killed, nor what came after it.
            executing = self._children()
            kill_processes(self._worker, [one for one in overdue if one in executing])
        self._look_after_threads({message: run_id in alive for run_id, (message, _) in watched.items()})

    def report(self) -> None:
        """Say what this worker can begin. A pool's processes leave that to their parent."""
        settings = self._casework.settings
        report = processes.Report(self.slots, len(self._lost), settings.worker_group, self._capabilities.cannot_run)
        with self._casework.db.single() as tx:
            processes.seen(tx, self._worker, "worker", timedelta(seconds=settings.lease_seconds), report)

    def _look_after_threads(self, holding: dict[RunMessage, bool]) -> None:
        """A pool's process is its parent's to end, even if it never beats again."""
        if self._is_child:
            return
        overstayed = {run: self._interrupts.stop_of(run) for run in self._threads.look(holding, monotonic())}
        now_lost = {run for run, stop in overstayed.items() if stop}
        for stop in filter(None, overstayed.values()):
            stop.overstay()
        for run in now_lost - self._lost:
            events.emit(events.SlotLost(self._worker, run.run_id, len(now_lost)))
        self._lost = now_lost
        if now_lost and now_lost == set(self.watched()):
            os.kill(os.getpid(), signal.SIGTERM)
