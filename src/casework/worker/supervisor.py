"""The supervisor's thread: one heartbeat statement for all runs of a process, and news of those asked to stop.

Liveness is this thread's, not the agent's: an agent may work for hours without a call, and its run is not taken away
while the process lives.
"""

import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from time import monotonic

from redis import RedisError

from casework import events
from casework.agents.stop import Stop
from casework.broker.listener import Listener
from casework.core.effects import Bundle, RunMessage
from casework.core.model import RunId
from casework.errors import Unavailable
from casework.store import processes, runs
from casework.wiring import Casework
from casework.worker.overstayed import Overstayed, kill_processes
from casework.worker.threads import keep_running


class Supervisor:
    """Watches over the runs that this process executes."""

    def __init__(
        self,
        casework: Casework,
        worker: str,
        children: Callable[[], list[tuple[int, Bundle]]],
        *,
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
        self._watched: dict[RunId, tuple[RunMessage, Stop]] = {}
        self._thread: threading.Thread | None = None
        grace = casework.settings.interrupt_grace_seconds
        self._processes: Overstayed[tuple[int, Bundle]] = Overstayed(grace)
        self._threads: Overstayed[RunMessage] = Overstayed(grace)
        self._lost: set[RunMessage] = set()

    @cached_property
    def _listener(self) -> Listener:
        return Listener(self._casework.publisher.url, self._casework.publisher.names)

    def begin(self, message: RunMessage, stop: Stop) -> None:
        """Keep a run alive from now on; `stop` is asked when it is to stop."""
        with self._lock:
            earlier = self._watched.get(message.run_id)
            self._watched[message.run_id] = (message, stop)
            self._ensure_thread()
        if earlier:
            # Of an attempt that was given up for lost, and began in this process too, no heartbeat tells any more.
            earlier[1].request()

    def end(self, message: RunMessage) -> None:
        """Let go of a run, also where that was done. Its next attempt may be this process's too, and is kept."""
        with self._lock:
            if self._is_watched(message):
                del self._watched[message.run_id]

    def watched(self) -> list[RunMessage]:
        """The runs that this process keeps alive."""
        with self._lock:
            return [message for message, _ in self._watched.values()]

    def start(self) -> None:
        """Report this process as a worker from now on, with or without runs."""
        with self._lock:
            self._ensure_thread()

    def _ensure_thread(self) -> None:
        if self._threaded and self._thread is None:
            self._thread = keep_running("casework-supervisor", self._supervise)

    def _supervise(self) -> None:
        while True:
            next_beat = monotonic() + self._casework.settings.heartbeat
            try:
                self.beat()
            except Unavailable as error:
                events.emit(events.HeartbeatFailed(str(error)))
            while (left := next_beat - monotonic()) > 0:
                self._listen(left)

    def beat(self) -> None:
        """Say what lives; stop what was asked to, or was given away; end what goes on all the same."""
        with self._lock:
            watched = dict(self._watched)
        children = self._children()
        db, lease = self._casework.db, self._casework.settings.lease_seconds
        # Single statements: in a transaction, an agent that takes the interpreter between two of them would hold their
        # locks, and keep everybody from the run who vouches for it, sweeps it or takes it away.
        with db.single() as tx:
            processes.seen(tx, self._worker, "worker", timedelta(seconds=lease), len(self._lost))
        living = [message for message, _ in watched.values()] + [run for _, bundle in children for run in bundle]
        alive: dict[RunId, bool] = {}
        if living:
            with db.single() as tx:
                alive = runs.heartbeat(tx, living)
        for run_id, (message, stop) in watched.items():
            # What has ended since the heartbeat was sent is no longer alive, and was not lost.
            if alive.get(run_id, True) and not stop.requested and self._is_watched(message):
                events.emit(events.StopRequested(run_id, run_id not in alive))
                stop.request()
        holding = {one: any(run.run_id in alive for run in one[1]) for one in children}
        kill_processes(self._worker, self._processes.look(holding, monotonic()))
        self._look_after_threads({message: run_id in alive for run_id, (message, _) in watched.items()})

    def _look_after_threads(self, holding: dict[RunMessage, bool]) -> None:
        """A pool's process is its parent's to end, even if it never beats again."""
        if self._is_child:
            return
        overstayed = {run: self._stop_of(run) for run in self._threads.look(holding, monotonic())}
        now_lost = {run for run, stop in overstayed.items() if stop}
        for stop in filter(None, overstayed.values()):
            stop.overstay()
        for run in now_lost - self._lost:
            events.emit(events.SlotLost(self._worker, run.run_id, len(now_lost)))
        self._lost = now_lost
        if now_lost and now_lost == set(self.watched()):
            os.kill(os.getpid(), signal.SIGTERM)

    def _is_watched(self, message: RunMessage) -> bool:
        return self._stop_of(message) is not None

    def _stop_of(self, message: RunMessage) -> Stop | None:
        with self._lock:
            watched, stop = self._watched.get(message.run_id, (None, None))
            return stop if watched == message else None

    def _listen(self, seconds: float) -> None:
        """Redis says sooner who was asked to stop; when it is unavailable, the next heartbeat says it."""
        try:
            for run_id in self._listener.stopped_runs(min(seconds, 1.0)):
                with self._lock:
                    found = self._watched.get(run_id)
                if found:
                    found[1].request()
        except (RedisError, OSError):
            self._listener.reconnect()
            threading.Event().wait(min(seconds, 0.5))
