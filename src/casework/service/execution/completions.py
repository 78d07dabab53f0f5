"""The buffer of completions that are not written yet, with its three triggers.

Runs that share a message complete in one statement, at their group's end. A run that had its message for itself completes
in the round trip of its thread's next start: one wait for the disk for each run, and not two. Neither passes its limit.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, RLock, Thread, local
from time import monotonic, sleep

from casework.core.effects import Bundle, Effects
from casework.service.execution.attempt import Attempt, RunResult

CHECK_SECONDS = 0.01
"""Between two looks at the limits while anything waits: waking the thread for each run would cost what is gained."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long completions may wait, in seconds."""

    deferred: float = 0.01
    """For a start. Where there is work, one comes within 1 ms. A pool of three, whose starts lie further apart, did 12%
    more runs at half of it, and 22% more at twice."""
    short: float = 0.05
    """A process that dies with a completion costs its case another attempt: a run that took longer is not put at stake."""
    group: float = 0.25
    """For the others of a group, when one is unexpectedly slow."""


@dataclass(slots=True, eq=False)
class Group:
    """The runs of one message: those that wait for their turn, those whose completions wait, and what came of the others."""

    waiting: deque[Attempt] = field(default_factory=deque)
    completed: deque[Attempt] = field(default_factory=deque)
    results: list[RunResult] = field(default_factory=list)
    shared: bool = False
    due: float = float("inf")
    lock: RLock = field(default_factory=RLock)
    """Held while completions are taken or written, so that another thread that is at it is waited for."""
    reported: int = 0
    gave_slot: bool = False

    def effects(self) -> Effects:
        """What follows from the results since the last call: a tick if they leave work or gave a slot back."""
        new, self.reported = self.results[self.reported :], len(self.results)
        nudge, self.gave_slot = self.gave_slot or any(result.leaves_work for result in new), False
        return Effects(nudge=nudge, refill=0 if nudge else len(new))


def take_next(attempts: deque[Attempt]) -> Attempt | None:
    """Take the next one, if there is any. Another thread may be at it too, and each gets others."""
    try:
        return attempts.popleft()
    except IndexError:
        return None


class _Thread(local):
    """What a worker's thread remembers between two messages."""

    deferred: Group | None = None
    ended: float = float("-inf")
    starts_follow: bool = False
    """Whether its last start came soon after the end before."""


class Completions:
    """One process's buffer. `flush` writes what a group holds back."""

    def __init__(self, flush: Callable[[Group], None], limits: Limits) -> None:
        self._flush = flush
        self.limits = limits
        self._open: set[Group] = set()
        self._is_open = Event()
        self._here = _Thread()
        self._starting = RLock()
        self._thread: Thread | None = None

    def take_for(self, bundle: Bundle) -> Attempt | None:
        """Take what this thread deferred, to be written with the start of `bundle`: the second trigger. What cannot be is
        written now: an agent that holds the interpreter would keep it from everybody."""
        here = self._here
        here.starts_follow = monotonic() - here.ended < self.limits.deferred
        group, here.deferred = here.deferred, None
        if group is None:
            return None
        with group.lock:
            # Runs are locked in the order of their ids.
            if group.completed and (len(bundle) > 1 or bundle[0].run_id < group.completed[0].message.run_id):
                self._write(group)
            self._open.discard(group)
            return take_next(group.completed)

    def defer(self, group: Group, attempt: Attempt) -> bool:
        """Keep the completion of a run that was alone for the next start. False if it is to be written now, because
        nothing may come soon, or because much depends on it."""
        here = self._here
        here.ended = attempt.ended or monotonic()
        if not (here.starts_follow and self._is_cheap(attempt) and self._has_thread()):
            return False
        group.completed.append(attempt)
        here.deferred = group
        self._keep(group, here.ended + self.limits.deferred)
        return True

    def put_back(self, attempt: Attempt, *, retry: bool) -> None:
        """Keep a completion that was not written with a start; with `retry`, the next start tries it again."""
        group = Group(completed=deque([attempt]))
        self._here.deferred = group if retry else None
        self._keep(group, (attempt.ended or 0.0) + self.limits.deferred)

    @contextmanager
    def limit(self, group: Group) -> Iterator[None]:
        """Keep the limit of a group while its runs are called, also when it breaks off."""
        if group.shared and self._has_thread():
            self._keep(group, monotonic() + self.limits.group)
        yield
        if group.shared:
            self._open.discard(group)

    def flush(self, now: float = float("inf")) -> None:
        """Write what is due by `now`, the third trigger; what another thread is writing is waited for."""
        for group in list(self._open):
            if group.due <= now:
                self._write(group)

    def _write(self, group: Group) -> None:
        try:
            self._flush(group)
        except Exception:
            # Others are written all the same. These runs are silent now, and are taken up again after their lease.
            logging.getLogger("casework").exception("run.completion_not_written")
        finally:
            self._open.discard(group)

    def _keep(self, group: Group, due: float) -> None:
        group.due = due
        self._open.add(group)
        self._is_open.set()

    def _is_cheap(self, attempt: Attempt) -> bool:
        """Whether no slot waits for the run's end, and another attempt could be had, and would be short."""
        again = attempt.fence.attempt == 1 and attempt.holder.max_attempts > 1
        return again and not attempt.limited and (attempt.ended or 0.0) - (attempt.began or 0.0) <= self.limits.short

    def _has_thread(self) -> bool:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._keep_limits, name="casework-completions", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:
                    self._thread = None
        return self._thread is not None

    def _keep_limits(self) -> None:
        while self._is_open.wait():
            self._is_open.clear()
            sleep(CHECK_SECONDS)
            self.flush(monotonic())
            if self._open:
                self._is_open.set()
