"""Executing what a message holds: one run, or several short ones, from the start to the outcome.

Runs that share a message are started by one statement, worked one after the other, and those that complete are ended by
one statement. Each is fenced, interrupted and settled by itself all the same. Where one takes unexpectedly long, the
others do not wait for it.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock, Timer
from time import monotonic
from typing import TypeVar

from casework import log
from casework.agents import Complete
from casework.agents.results import Result, Returned, Stopped
from casework.agents.stop import Stop
from casework.core.model import Bundle, Committed, Effects, RunMessage
from casework.errors import DatabaseUnavailable
from casework.service import execute
from casework.service.carry import Carry
from casework.service.completions import Done, complete, complete_all, complete_and_start
from casework.service.crash_points import Point, reach
from casework.service.desk import Perform
from casework.service.execute import Started, Watch
from casework.settings import Settings
from casework.store.database import Database

LET_GO_SECONDS = 0.25
"""How long runs wait behind others before they are given back, and completions before they are written."""

_NEEDS_NO_TICK = frozenset({"completed", "failed", "postponed", "needs_input"})
"""Results that leave nothing to claim."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """A started run and its stop request."""

    started: Started
    stop: Stop


class Execution:
    """One message's."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        *,
        worker: str,
        watch: Watch,
        perform: Perform,
        carry: Carry | None = None,
    ) -> None:
        self._db, self._settings = db, settings
        self._worker, self._watch, self._perform, self._carry = worker, watch, perform, carry
        self._waiting: deque[_Turn] = deque()
        self._done: deque[Done] = deque()
        self._writing = Lock()
        self._results: list[str] = []
        self._gave_slots = False
        self._kept: RunMessage | None = None

    def of(self, bundle: Bundle) -> Committed[list[str]]:
        """Execute one attempt of each run. The values name, in no order, what was written: of these runs, and of the one that
        this thread has carried. What it carries on is not among them.

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
                if one.message != self._kept:
                    self._watch.end(one.message)
        return Committed(self._results, _ended(self._results, self._gave_slots))

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
        carried = self._carry.begin(bundle) if self._carry else None
        if len(bundle) > 1:
            return execute.start_all(self._db, self._settings, bundle, self._worker)
        only = (
            self._start_behind(carried, self._carry, bundle[0])
            if carried and self._carry
            else execute.start(self._db, self._settings, bundle[0], self._worker)
        )
        return [only] if only else []

    def _start_behind(self, carried: Done, carry: Carry, message: RunMessage) -> Started | None:
        """What becomes of the one never keeps the other from its start, nor from its heartbeat."""
        try:
            held, only = complete_and_start(self._db, self._settings, carried, message, self._worker)
        except BaseException as error:
            carry.give_back(replace(carried, tried=True))
            if isinstance(error, DatabaseUnavailable) or not isinstance(error, Exception):
                raise
            return execute.start(self._db, self._settings, message, self._worker)
        if held:
            self._end(carried.started, "completed")
        else:
            carry.give_back(carried)
        return only

    def _take_turn(self, turn: _Turn, shared: bool) -> None:
        begun = monotonic()
        result: Result = Stopped()
        if not turn.stop.requested:
            reach(Point.RUN_STARTED)
            result = execute.work(self._db, self._settings, turn.started, turn.stop, self._perform)
            reach(Point.AGENT_RETURNED)
        if isinstance(result, Returned) and isinstance(result.outcome, Complete):
            done = Done(turn.started, result.outcome.reason, begun, monotonic())
            if shared:
                self._done.append(done)
                return
            if self._carry and self._carry.keep(done):
                self._kept = done.started.message
                return
        self._end(turn.started, execute.settle(self._db, self._settings, turn.started, result))

    def _end(self, started: Started, result: str) -> None:
        self._watch.end(started.message)
        log.detail("run.ended", run=started.message.run_id, attempt=started.message.attempt, result=result)
        self._results.append(result)
        if started.limited:
            self._gave_slots = True

    def _let_go(self) -> None:
        """Do not let the others wait: what has completed is written, and what has not begun goes to other workers."""
        self._write_completions()
        with self._writing:
            rest = _all(self._waiting)
            with self._letting_go([turn.started for turn in rest]):
                for turn in rest:
                    self._end(turn.started, execute.settle(self._db, self._settings, turn.started, Stopped()))
        log.event("runs.let_go", count=len(rest))
        self._perform(Effects(nudge=True))

    def _write_completions(self) -> None:
        """Also waits for the other thread that may be at it."""
        with self._writing:
            done = _all(self._done)
            with self._letting_go([one.started for one in done]):
                results = complete_all(self._db, self._settings, done)
                for one, result in zip(done, results, strict=True):
                    self._end(one.started, result)

    @contextmanager
    def _letting_go(self, ended: Sequence[Started]) -> Iterator[None]:
        """What could not be written is not kept alive by this process for nothing."""
        try:
            yield
        finally:
            for one in ended:
                self._watch.end(one.message)


def put_down(db: Database, settings: Settings, watch: Watch, done: Done) -> Committed[str]:
    """Write a completion that no start came for."""
    try:
        result = complete(db, settings, done)
    finally:
        watch.end(done.started.message)
    log.detail("run.ended", run=done.started.message.run_id, attempt=done.started.message.attempt, result=result)
    return Committed(result, _ended([result]))


def _ended(results: Sequence[str], gave_slots: bool = False) -> Effects:
    nudge = gave_slots or not _NEEDS_NO_TICK.issuperset(results)
    return Effects(nudge=nudge, refill=0 if nudge else len(results))


Item = TypeVar("Item")


def _next(items: deque[Item]) -> Item | None:
    """Take the next one: two threads may, and each gets another."""
    try:
        return items.popleft()
    except IndexError:
        return None


def _all(items: deque[Item]) -> list[Item]:
    return list(iter(lambda: _next(items), None))
