"""Executing what a message holds: one run, or several short ones. Each attempt goes one way: start, call, finish."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Protocol

from casework import events
from casework.agents import Run, runners
from casework.agents.results import Crashed, Result, Stopped
from casework.agents.run import History
from casework.agents.stop import Stop
from casework.core.effects import Bundle, Committed, RunMessage
from casework.errors import CaseworkError, DatabaseUnavailable, TargetNotAllowed
from casework.redaction import redacted
from casework.service.availability import until_database_is_back
from casework.service.crash_points import Point, reach
from casework.service.execution.attempt import Attempt, RunResult, start
from casework.service.execution.backend import Perform, RunBackend
from casework.service.execution.completions import Completions, Group, Limits, take_all, take_next
from casework.service.execution.outcomes import finish, finish_all, finish_and_start
from casework.settings import Settings
from casework.store import messages, requests
from casework.store.database import Database


class Watch(Protocol):
    """The supervisor's heartbeat, as the executor sees it."""

    def begin(self, message: RunMessage) -> Stop:
        """Keep this run alive from now on; returns its stop request."""

    def end(self, message: RunMessage) -> None:
        """Stop keeping it alive; does nothing if that was done before."""


class Executor:
    """Executes messages, in any thread of one process."""

    def __init__(
        self,
        db: Database,
        settings: Settings,
        *,
        worker: str,
        watch: Watch,
        perform: Perform,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._db, self._settings, self._worker = db, settings, worker
        self._watch, self._perform, self._clock = watch, perform, clock
        self.completions = Completions(self._flush_late, limits)

    def execute(self, bundle: Bundle) -> Committed[list[RunResult]]:
        """Execute one attempt of each run. Returns, in no order, what came of them, and of the run that this thread had
        deferred; a run that it defers now is not among them.

        A message that is a duplicate, or comes after its run was interrupted, does nothing.
        """
        group = self._start(bundle)
        attempts = list(group.waiting)
        try:
            with self.completions.limit(group):
                while attempt := take_next(group.waiting):
                    self._finish(group, self._call(attempt))
            if group.shared:
                self._flush(group)
        finally:
            for attempt in attempts:
                if group.shared or attempt not in group.completed:
                    self._watch.end(attempt.message)
        return Committed(group.results, group.effects())

    def _start(self, bundle: Bundle) -> Group:
        group = Group()
        attempts = until_database_is_back("start", lambda _: self._try_to_start(group, bundle)) or []
        if len(attempts) < len(bundle):
            for message in set(bundle) - {attempt.message for attempt in attempts}:
                group.results.append(RunResult.NOT_STARTED)
                events.emit(events.RunNotStarted(message.run_id, message.attempt))
        for attempt in attempts:
            attempt.stop = self._watch.begin(attempt.message)
        group.waiting.extend(attempts)
        group.shared = len(attempts) > 1
        return group

    def _try_to_start(self, group: Group, bundle: Bundle) -> Sequence[Attempt]:
        if not (deferred := self.completions.take_for(bundle)):
            return start(self._db, self._settings, bundle, self._worker)
        # What becomes of the one never keeps the other from its start, nor from its heartbeat.
        try:
            held, only = finish_and_start(self._db, self._settings, deferred, bundle[0], self._worker)
        except BaseException as error:
            deferred.maybe_written, again = True, isinstance(error, DatabaseUnavailable)
            self.completions.put_back(deferred, retry=again)
            if again or not isinstance(error, Exception):
                raise
            return start(self._db, self._settings, bundle, self._worker)
        if held:
            self._end(group, deferred, RunResult.COMPLETED)
        else:
            self.completions.put_back(deferred, retry=False)
        return [only] if only else []

    def _call(self, attempt: Attempt) -> Attempt:
        attempt.began = self._clock()
        if attempt.stop.requested:
            attempt.result = Stopped()
        else:
            reach(Point.RUN_STARTED)
            attempt.result = self._without_secrets(call_agent(self._db, self._settings, attempt, self._perform))
            reach(Point.AGENT_RETURNED)
        attempt.ended = self._clock()
        return attempt

    def _without_secrets(self, result: Result) -> Result:
        """An agent's error may quote what it found in its environment, and anybody in the team may read it."""
        if not isinstance(result, Crashed):
            return result
        urls = (self._settings.database_url, self._settings.redis_url)
        error = redacted(result.traceback, urls) if result.traceback else None
        return replace(result, reason=redacted(result.reason, urls), traceback=error)

    def _finish(self, group: Group, attempt: Attempt) -> None:
        if attempt.is_complete and group.shared:
            group.completed.append(attempt)
        elif not (attempt.is_complete and self.completions.defer(group, attempt)):
            self._end(group, attempt, finish(self._db, self._settings, attempt))

    def _end(self, group: Group, attempt: Attempt, result: RunResult) -> None:
        self._watch.end(attempt.message)
        group.results.append(result)
        group.gave_slot |= attempt.limited
        events.emit(events.RunEnded(attempt.message.run_id, attempt.message.attempt, result))

    def _flush(self, group: Group) -> None:
        """Write what has completed. What cannot be written is not kept alive by this process for nothing."""
        with group.lock:
            attempts = take_all(group.completed)
            try:
                for attempt, result in zip(attempts, finish_all(self._db, self._settings, attempts), strict=True):
                    self._end(group, attempt, result)
            finally:
                for attempt in attempts:
                    self._watch.end(attempt.message)

    def _flush_late(self, group: Group) -> None:
        """At the time limit, write what has completed, and give what waits for its turn to other workers."""
        with group.lock:
            self._flush(group)
            waiting = take_all(group.waiting)
            for attempt in waiting:
                attempt.result = Stopped()
            group.completed.extend(waiting)
            self._flush(group)
            effects = group.effects()
        if waiting:
            events.emit(events.RunsReturned(len(waiting)))
        self._perform(effects)


def call_agent(db: Database, settings: Settings, attempt: Attempt, perform: Perform) -> Result:
    """Find the agent, and call it with the run's history."""
    run_id, number = attempt.message
    try:
        runner = runners.load(attempt.kind, attempt.target, settings.modules)
        history = _history(db, attempt) if number > 1 else History()
    except CaseworkError as error:
        # What this worker cannot find another one may have, or this one once it runs newer code.
        return Crashed(str(error), None, transient=not isinstance(error, TargetNotAllowed))
    backend = RunBackend(db, attempt.holder, perform)
    name, case, stop = attempt.agent_name, attempt.case, attempt.stop
    run = Run(id=run_id, attempt=number, agent_name=name, case=case, history=history, backend=backend, stop=stop)
    return runner.call(run, stop)


def _history(db: Database, attempt: Attempt) -> History:
    with db.begin() as tx:
        asked = requests.of_run(tx, attempt.message.run_id)
        steps = messages.steps_of(tx, attempt.message.run_id)
    return History({(one.kind, one.title): one.answer for one in asked if one.responded_at}, steps)
