"""Executes the runs of a message: one, or several short ones. Each attempt goes through start, call and finish."""

from collections.abc import Callable, Sequence
from time import monotonic
from types import MappingProxyType

from casework import events, log
from casework.agents import Run
from casework.agents.failures import traceback_of
from casework.agents.results import Crashed, Result, Stopped, Unable
from casework.agents.run import History
from casework.agents.runners import registry
from casework.core.capacity import SHORTEST_SECONDS
from casework.core.effects import Bundle, Committed
from casework.errors import CaseworkError, DatabaseUnavailable, RunLost
from casework.redaction import redacted
from casework.service.availability import until_database_is_back
from casework.service.crash_points import Point, reach
from casework.service.execution.attempt import Attempt, RunResult, start
from casework.service.execution.completions import Completions, Group, Limits, take_next
from casework.service.execution.outcomes import finish, finish_all, finish_and_start
from casework.service.holding import recorded
from casework.service.redacting import without_secrets
from casework.service.run_backend import Perform, RunBackend
from casework.service.watch import Watch
from casework.settings import Settings
from casework.store import messages
from casework.store.database import Database

# Each access to a member of an enumeration calls a function.
_RUN_STARTED, _AGENT_RETURNED = Point.RUN_STARTED, Point.AGENT_RETURNED


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

    def execute(self, bundle: Bundle, *, ahead: bool = True) -> Committed[list[RunResult]]:
        """Execute one attempt of each run. Returns, in no order, what came of them, and of the run that this thread had
        deferred; a run that it defers now is not among them. `ahead` says that more was claimed than slots were free. A duplicate, or a message that comes too late, does nothing."""
        group = self._start(bundle, ahead)
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
                    self._let_go(attempt)
        return Committed(group.results, group.effects())

    def _start(self, bundle: Bundle, ahead: bool) -> Group:
        group = Group()
        attempts = until_database_is_back("start", lambda _: self._try_to_start(group, bundle, ahead)) or []
        if len(attempts) < len(bundle):
            for message in set(bundle) - {attempt.message for attempt in attempts}:
                group.results.append(RunResult.NOT_STARTED)
                events.emit(events.RunNotStarted(message.run_id, message.attempt))
        for attempt in attempts:
            attempt.watched = True
            self._watch.begin(attempt.message, attempt.stop)
        group.waiting.extend(attempts)
        group.shared = len(attempts) > 1
        return group

    def _try_to_start(self, group: Group, bundle: Bundle, ahead: bool) -> Sequence[Attempt]:
        if not (deferred := self.completions.take_for(bundle, ahead=ahead)):
            return start(self._db, self._settings, bundle, self._worker)
        # A failure of the one must not keep the other from its start or its heartbeat.
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
            reach(_RUN_STARTED)
            with log.bound_to_run(case=attempt.case.id, run=attempt.message.run_id):
                attempt.result = call_agent(self._db, self._settings, attempt, self._perform)
            reach(_AGENT_RETURNED)
        attempt.ended = self._clock()
        return attempt

    def _finish(self, group: Group, attempt: Attempt) -> None:
        if attempt.is_complete and group.shared:
            group.completed.append(attempt)
        elif not (attempt.is_complete and self.completions.defer(group, attempt)):
            self._end(group, attempt, finish(self._db, self._settings, attempt, self._worker))

    def _end(self, group: Group, attempt: Attempt, result: RunResult) -> None:
        self._let_go(attempt)
        group.results.append(result)
        group.gave_slot |= attempt.limited
        group.queues.add(attempt.holder.queue_id)
        group.seconds += max(attempt.seconds, SHORTEST_SECONDS)
        if events.is_wanted(events.RunEnded):
            events.emit(events.RunEnded(attempt.message.run_id, attempt.message.attempt, result))

    def _let_go(self, attempt: Attempt) -> None:
        if attempt.watched:
            attempt.watched = False
            self._watch.end(attempt.message)

    def _flush(self, group: Group) -> None:
        """Write the completions. Runs with completions that cannot be written get no more heartbeats."""
        with group.lock:
            attempts = list(iter(lambda: take_next(group.completed), None))
            try:
                for attempt, result in zip(attempts, finish_all(self._db, self._settings, attempts), strict=True):
                    self._end(group, attempt, result)
            finally:
                for attempt in attempts:
                    self._let_go(attempt)

    def _flush_late(self, group: Group) -> None:
        """At the time limit, write the completions, and requeue the runs that wait for their turn for other workers."""
        with group.lock:
            self._flush(group)
            waiting = list(iter(lambda: take_next(group.waiting), None))
            for attempt in waiting:
                attempt.result = Stopped()
            group.completed.extend(waiting)
            self._flush(group)
            effects = group.effects()
        if waiting:
            events.emit(events.RunsReturned(len(waiting)))
        self._perform(effects)


_NOTHING_YET = History(steps=MappingProxyType({}))


def call_agent(db: Database, settings: Settings, attempt: Attempt, perform: Perform) -> Result | Unable:
    """Load the agent, and call it with the history of the run."""
    run_id, number = attempt.message
    try:
        runner = registry.load(attempt.kind, attempt.target, settings)
    except CaseworkError as error:
        return Unable(redacted(str(error), (settings.database_url, settings.redis_url)))
    history = _NOTHING_YET
    if number > 1 or attempt.keeps_steps:
        try:
            history = _history(db, attempt)
        except CaseworkError as error:
            return without_secrets(Crashed(str(error), traceback_of(error.__cause__), transient=True), settings)
    backend, name, case, stop = RunBackend(db, attempt.holder, perform), attempt.agent_name, attempt.case, attempt.stop
    run = Run(id=run_id, attempt=number, agent_name=name, case=case, history=history, backend=backend, stop=stop)
    return without_secrets(runner.call(run, stop), settings)


def _history(db: Database, attempt: Attempt) -> History:
    with db.begin() as tx:
        if attempt.keeps_steps and not messages.take_kept_steps(tx, attempt.fence):
            raise RunLost
        return History(*recorded(tx, attempt.message.run_id))
