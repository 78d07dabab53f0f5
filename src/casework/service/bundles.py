"""Executing what a message holds: one run, or several short ones, from the start to the outcome.

Runs that share a message are started by one statement, worked one after the other, and those that complete are ended by
one statement. Each is fenced, interrupted and settled by itself all the same. Where one takes unexpectedly long, the
others do not wait for it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock, Timer
from time import monotonic
from typing import TypeVar

from casework import log
from casework.agents import Complete
from casework.agents.call import Result, Returned, Stopped
from casework.agents.stop import Stop
from casework.core.model import Bundle, Committed, Effects
from casework.service import execute
from casework.service.crash_points import Point, reach
from casework.service.desk import Perform
from casework.service.execute import Started, Watch
from casework.settings import Settings
from casework.store import transitions
from casework.store.database import Database
from casework.store.transitions import Completion

LET_GO_SECONDS = 0.25
"""How long runs wait behind others before they are given back, and completions before they are written."""

_NEEDS_NO_TICK = frozenset({"completed", "failed", "postponed", "needs_input"})
"""Results that leave nothing to claim."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """A started run and its stop request."""

    started: Started
    stop: Stop


@dataclass(frozen=True, slots=True)
class Done:
    """A run that completed, and when it began and ended by this process's monotonic clock."""

    started: Started
    reason: str | None
    begun: float
    ended: float


class Execution:
    """One message's."""

    def __init__(self, db: Database, settings: Settings, *, worker: str, watch: Watch, perform: Perform) -> None:
        self._db, self._settings = db, settings
        self._worker, self._watch, self._perform = worker, watch, perform
        self._waiting: deque[_Turn] = deque()
        self._done: deque[tuple[_Turn, Done]] = deque()
        self._writing = Lock()
        self._results: list[str] = []
        self._gave_slots = False

    def of(self, bundle: Bundle) -> Committed[list[str]]:
        """Execute one attempt of each run. The values name what came of each, in no order.

        A message that is a duplicate, or comes after the run was interrupted, does nothing.
        """
        started = self._start(bundle)
        shared = len(started) > 1
        letting_go = Timer(LET_GO_SECONDS, self._let_go) if shared else None
        try:
            self._waiting.extend(_Turn(one, self._watch.begin(one.message)) for one in started)
            if letting_go:
                letting_go.start()
            while turn := _next(self._waiting):
                self._take_turn(turn, shared)
            if letting_go:
                letting_go.cancel()
                self._write_completions()
        finally:
            for one in started:
                self._watch.end(one.message)
        nudge = self._gave_slots or not _NEEDS_NO_TICK.issuperset(self._results)
        return Committed(self._results, Effects(nudge=nudge, refill=0 if nudge else len(self._results)))

    def _start(self, bundle: Bundle) -> Sequence[Started]:
        """While the database is away the message is kept, and its slot with it: a worker that is cut off must not take one
        message after another from those who are not."""
        started = execute.patiently("start", lambda _: self._try_to_start(bundle)) or []
        missing = set(bundle) - {one.message for one in started} if len(started) < len(bundle) else ()
        for message in missing:
            log.event("run.not_started", run=message.run_id, attempt=message.attempt)
            self._results.append("not started")
        return started

    def _try_to_start(self, bundle: Bundle) -> list[Started]:
        if len(bundle) > 1:
            return execute.start_all(self._db, self._settings, bundle, self._worker)
        only = execute.start(self._db, self._settings, bundle[0], self._worker)
        return [only] if only else []

    def _take_turn(self, turn: _Turn, shared: bool) -> None:
        begun = monotonic()
        result: Result = Stopped()
        if not turn.stop.requested:
            reach(Point.RUN_STARTED)
            result = execute.work(self._db, self._settings, turn.started, turn.stop, self._perform)
            reach(Point.AGENT_RETURNED)
        if shared and isinstance(result, Returned) and isinstance(result.outcome, Complete):
            self._done.append((turn, Done(turn.started, result.outcome.reason, begun, monotonic())))
        else:
            self._end(turn, execute.settle(self._db, self._settings, turn.started, result))

    def _end(self, turn: _Turn, result: str) -> None:
        self._watch.end(turn.started.message)
        log.detail("run.ended", run=turn.started.message.run_id, attempt=turn.started.message.attempt, result=result)
        self._results.append(result)
        if turn.started.limited:
            self._gave_slots = True

    def _let_go(self) -> None:
        """Do not let the others wait: what has completed is written, and what has not begun goes to other workers."""
        self._write_completions()
        with self._writing:
            rest = _all(self._waiting)
            for turn in rest:
                self._end(turn, execute.settle(self._db, self._settings, turn.started, Stopped()))
        log.event("runs.let_go", count=len(rest))
        self._perform(Effects(nudge=True))

    def _write_completions(self) -> None:
        """Also waits for the other thread that may be at it."""
        with self._writing:
            done = _all(self._done)
            results = complete_all(self._db, self._settings, [one for _, one in done])
            for (turn, _), result in zip(done, results, strict=True):
                self._end(turn, result)


def complete_all(db: Database, settings: Settings, done: Sequence[Done]) -> list[str]:
    """End runs that completed, those that hold their cases in one statement; a name of what came of each, in order."""
    if len(done) < 2:
        return [_complete(db, settings, one) for one in done]

    def write(first: bool) -> list[str]:
        now = monotonic()
        completions = [Completion(one.started.fence, one.reason, now - one.begun, now - one.ended) for one in done]
        with db.single() as tx:
            held = transitions.complete_all(tx, completions)
        reach(Point.OUTCOME_COMMITTED, held)
        return [
            "completed" if one.started.message in held else _complete(db, settings, one, first=first) for one in done
        ]

    return execute.patiently("outcome", write) or ["not written"] * len(done)


def _complete(db: Database, settings: Settings, one: Done, *, first: bool = True) -> str:
    return execute.settle(db, settings, one.started, Returned(Complete(one.reason)), first=first)


Item = TypeVar("Item")


def _next(items: deque[Item]) -> Item | None:
    """Take the next one: two threads may, and each gets another."""
    try:
        return items.popleft()
    except IndexError:
        return None


def _all(items: deque[Item]) -> list[Item]:
    return list(iter(lambda: _next(items), None))
