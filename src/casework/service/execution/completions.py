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
from time import monotonic

from casework.core.effects import Bundle, Effects
from casework.core.model import QueueId
from casework.service.execution.attempt import Attempt, RunResult


@dataclass(frozen=True, slots=True)
class Limits:
    """How long completions may wait, in seconds."""

    deferred: float = 0.01
    """The limit for a deferred completion. If there is work, the next start comes within 1 ms. In a pool of three, with
    starts further apart, throughput was 12% higher at half of this limit, and 22% higher at twice."""
    short: float = 0.05
    """If a process dies with a deferred completion, its case needs another attempt. So runs that took longer are not
    deferred."""
    group: float = 0.25
    """The limit for the rest of a group when one run is unexpectedly slow."""


@dataclass(slots=True, eq=False)
class Group:
    """The runs of one message: those that wait for their turn, completions that wait, and results."""

    waiting: deque[Attempt] = field(default_factory=deque)
    completed: deque[Attempt] = field(default_factory=deque)
    results: list[RunResult] = field(default_factory=list)
    shared: bool = False
    due: float = float("inf")
    lock: RLock = field(default_factory=RLock)
    """Held while completions are taken or written, so that two threads do not write the same ones."""
    reported: int = 0
    gave_slot: bool = False
    queues: set[QueueId] = field(default_factory=set)
    """The queues of the results since the last report of effects, and the slot seconds that they used."""
    seconds: float = 0.0

    def effects(self) -> Effects:
        """The effects of the results since the last call: a tick if they left work or freed a slot."""
        new, self.reported = self.results[self.reported :], len(self.results)
        nudge, self.gave_slot = self.gave_slot or any(result.leaves_work for result in new), False
        (queues, self.queues), (seconds, self.seconds) = (frozenset(self.queues), set()), (self.seconds, 0.0)
        if RunResult.RELEASED in new:
            # This worker has just said that it lacks the agent. A tick that looks around asks which workers can run what; another
            # one would send it the run again.
            queues = frozenset()
        return Effects(nudge=nudge, refill=0.0 if nudge else seconds, queues=queues, frees=bool(new))


def take_next(attempts: deque[Attempt]) -> Attempt | None:
    """Take the next run, if there is one. Several threads may do so, and each run goes to one of them."""
    try:
        return attempts.popleft()
    except IndexError:
        return None


class _Thread(local):
    deferred: Group | None = None
    ended: float = float("-inf")
    starts_follow: bool = False
    """Whether its last start came soon after the end of the run before."""


class Completions:
    """The buffer of one process. `flush` writes the completions that a group holds back."""

    def __init__(self, flush: Callable[[Group], None], limits: Limits) -> None:
        self._flush = flush
        self.limits = limits
        self._open: set[Group] = set()
        self._is_sooner = Event()
        self._next_look = float("inf")
        """When the thread looks at the limits next. It is woken for a completion that is due before."""
        self._here = _Thread()
        self._starting = RLock()
        self._thread: Thread | None = None

    def take_for(self, bundle: Bundle, *, ahead: bool) -> Attempt | None:
        """Take what this thread deferred, to be written with the start of `bundle`: the second trigger. What cannot be is
        written now: an agent that holds the interpreter would keep it from everybody."""
        here = self._here
        # A run that was not claimed ahead was claimed because a slot came free: the next one waits for this completion.
        here.starts_follow = ahead and monotonic() - here.ended < self.limits.deferred
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
        """Defer the completion of a run that had a message to itself to the next start. False if the caller must write
        it now: the next start may be far away, or the completion is too valuable to risk."""
        here = self._here
        here.ended = attempt.ended or monotonic()
        if not (here.starts_follow and self._is_cheap(attempt) and self._has_thread()):
            return False
        group.completed.append(attempt)
        here.deferred = group
        self._keep(group, here.ended + self.limits.deferred)
        return True

    def put_back(self, attempt: Attempt, *, retry: bool) -> None:
        """Keep a completion that was not written with a start; with `retry`, the next start tries again."""
        group = Group(completed=deque([attempt]))
        self._here.deferred = group if retry else None
        self._keep(group, (attempt.ended or 0.0) + self.limits.deferred)

    @contextmanager
    def limit(self, group: Group) -> Iterator[None]:
        """Enforce the time limit of a group while its runs are executed, also if the block raises."""
        if group.shared and self._has_thread():
            self._keep(group, monotonic() + self.limits.group)
        yield
        if group.shared:
            self._open.discard(group)

    def flush(self, now: float = float("inf")) -> None:
        """Write the completions that are due by `now`: the third trigger. Waits for a thread that is writing."""
        for group in list(self._open):
            if group.due <= now:
                self._write(group)

    def _write(self, group: Group) -> None:
        try:
            self._flush(group)
        except Exception:
            # Go on with the others. These runs have no heartbeat any more, so they are attempted again
            # after their lease.
            logging.getLogger("casework").exception("run.completion_not_written")
        finally:
            self._open.discard(group)

    def _keep(self, group: Group, due: float) -> None:
        group.due = due
        self._open.add(group)
        if due < self._next_look:
            self._is_sooner.set()

    def _is_cheap(self, attempt: Attempt) -> bool:
        """Whether no consumer waits for the slot, another attempt is left, and it would be short."""
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
        while True:
            # First: who keeps something while it is being looked for wakes this thread.
            self._next_look = float("inf")
            self.flush(monotonic())
            self._next_look = min((group.due for group in list(self._open)), default=float("inf"))
            self._is_sooner.wait(None if self._next_look == float("inf") else self._next_look - monotonic())
            self._is_sooner.clear()
