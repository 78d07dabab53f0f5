"""Writes the outcomes of runs: the same for agents that workers call and for agents elsewhere."""

import random
from collections.abc import Sequence

from casework import events
from casework.agents import Complete, Fail, HandOver, Outcome, Postpone
from casework.agents.results import Asked, Crashed, Lost, Returned, Stopped, Unable
from casework.agents.stop import Suspended
from casework.core.effects import RunMessage
from casework.core.retry import next_attempt
from casework.errors import NotFound
from casework.service import agents
from casework.service.availability import until_database_is_back
from casework.service.crash_points import Point, reach
from casework.service.execution.attempt import Attempt, RunResult, started
from casework.service.holding import Holder
from casework.service.release import give_back
from casework.settings import Settings
from casework.store import processes, queues, requests, runs, transitions
from casework.store.database import Database, Tx
from casework.store.ids import new_ids
from casework.store.transitions import Fence


def finish(db: Database, settings: Settings, attempt: Attempt, worker: str = "") -> RunResult:
    """Write the outcome of an attempt of that worker. While the database is unavailable, keep it and retry."""

    def write(first: bool) -> RunResult:
        attempt.maybe_written |= not first
        done = _in_one_statement(db, attempt) or _in_a_transaction(db, settings, attempt, worker)
        reach(Point.OUTCOME_COMMITTED, done)
        return done

    return until_database_is_back("outcome", write) or RunResult.NOT_WRITTEN


def finish_all(db: Database, settings: Settings, attempts: Sequence[Attempt]) -> list[RunResult]:
    """Write several outcomes, all completions in one statement. Returns the result of each, in order."""
    if len(attempts) < 2 or not all(attempt.is_complete for attempt in attempts):
        return [finish(db, settings, attempt) for attempt in attempts]

    def write(first: bool) -> list[RunResult]:
        with db.single() as tx:
            held = transitions.complete_all(tx, [attempt.completion() for attempt in attempts])
        reach(Point.OUTCOME_COMMITTED, held)
        for attempt in attempts:
            attempt.maybe_written |= not first
        if held is None:
            return [RunResult.COMPLETED] * len(attempts)
        return [
            RunResult.COMPLETED if attempt.message.run_id in held else finish(db, settings, attempt)
            for attempt in attempts
        ]

    return until_database_is_back("outcome", write) or [RunResult.NOT_WRITTEN] * len(attempts)


def finish_and_start(
    db: Database, settings: Settings, attempt: Attempt, message: RunMessage, worker: str
) -> tuple[bool, Attempt | None]:
    """End a run that completed, and start the next, in one round trip: whether the one still held its case, and the other
    if it was to be started. Raises DatabaseUnavailable, and either may have happened then."""
    done = attempt.completion()
    with db.single() as tx:
        held, row = transitions.complete_and_start(tx, done.fence, done.reason, done.ended, message, worker)
    reach(Point.OUTCOME_COMMITTED, held)
    return held, started(row, settings) if row else None


def _in_one_statement(db: Database, attempt: Attempt) -> RunResult | None:
    """Write an outcome that takes one statement, without a transaction; None if the fence refuses it."""
    if not (isinstance(attempt.result, Returned) and isinstance(attempt.result.outcome, Complete | Fail | Postpone)):
        return None
    ended = attempt.completion().ended
    with db.single() as tx:
        return _end(tx, attempt.fence, attempt.result.outcome, ended)


def _in_a_transaction(db: Database, settings: Settings, attempt: Attempt, worker: str) -> RunResult:
    fence, result = attempt.fence, attempt.result
    with db.begin() as tx:
        if isinstance(result, Lost | Stopped):
            return RunResult.INTERRUPTED if give_back(tx, fence) else RunResult.LOST
        if isinstance(result, Unable):
            processes.note_unable(tx, worker, attempt.holder.agent_id, result.reason)
            done = give_back(tx, fence, f"worker {worker} cannot run the agent: {result.reason}")
            return RunResult.RELEASED if done else RunResult.LOST
        written = _write(tx, settings, attempt)
        # A try that broke off may have been committed: this refusal would be of ourselves.
        refused = (
            None if written or attempt.maybe_written else f"outcome {type(getattr(result, 'outcome', result)).__name__}"
        )
        if refused:
            runs.record_refusal(tx, fence, refused)
        if not written:
            transitions.stopped(tx, fence.run_id, fence.attempt, "stopped after its case was taken")
        reach(Point.OUTCOME_WRITTEN)
    if refused:
        events.emit(events.WriteRefused(fence.run_id, fence.attempt, refused))
    return written or RunResult.REFUSED


def _write(tx: Tx, settings: Settings, attempt: Attempt) -> RunResult | None:
    """Move the case; None if the fence refused."""
    holder = attempt.holder
    match attempt.result:
        case Returned(outcome):
            return write(tx, holder, outcome)
        case Asked(wait):
            return ask(tx, holder.fence, wait)
        case Crashed(reason, traceback, True, retry_after):
            return try_again(tx, settings, holder, reason, traceback, retry_after)
        case Crashed(reason, traceback, _):
            return RunResult.FAILED if transitions.fail(tx, holder.fence, reason, traceback) else None
        case result:
            raise AssertionError(result)


def write(tx: Tx, holder: Holder, outcome: Outcome) -> RunResult | None:
    """Write what the agent returned. None, here and below, if the run no longer holds its case."""
    if isinstance(outcome, HandOver):
        return _hand_over(tx, holder, outcome.to, outcome.reason)
    return _end(tx, holder.fence, outcome)


def _end(tx: Tx, fence: Fence, outcome: Complete | Fail | Postpone, ended: float = 0.0) -> RunResult | None:
    match outcome:
        case Complete(reason):
            return RunResult.COMPLETED if transitions.complete(tx, fence, reason, ended) else None
        case Fail(reason):
            return RunResult.FAILED if transitions.fail(tx, fence, reason, None) else None
        case Postpone(reason=reason):
            return RunResult.POSTPONED if transitions.postpone(tx, fence, outcome.moment, reason) else None


def _hand_over(tx: Tx, holder: Holder, to: str, reason: str | None) -> RunResult | None:
    try:
        target = agents.resolve(tx, holder.team_id, to)
    except NotFound:
        target = None
    if target is None or not queues.is_consumer(tx, holder.queue_id, target.id):
        return write(tx, holder, Fail(f"handed over to {to!r}, which is not a consumer of the queue"))
    return RunResult.HANDED_OVER if transitions.hand_over(tx, holder.fence, target.id, reason) else None


def ask(tx: Tx, fence: Fence, wait: Suspended) -> RunResult | None:
    """Suspend the run until people have answered all of its requests."""
    ids = new_ids(len(wait.placed))
    if not transitions.ask(tx, fence, ids[0], wait.placed[0].request.title):
        return None
    requests.create(tx, fence, wait.placed, ids)
    return RunResult.NEEDS_INPUT


def try_again(
    tx: Tx, settings: Settings, holder: Holder, reason: str, traceback: str | None, asked: float | None = None
) -> RunResult | None:
    """After a temporary failure, schedule another attempt, as long as any are left. `asked` is the wait in seconds that
    a service asked the agent for.
    """
    jitter, base = random.random(), settings.retry_base_seconds  # noqa: S311 - not a secret
    before, limit = holder.asked_wait_seconds, settings.retry_after_seconds
    following = next_attempt(
        holder.failures, holder.max_attempts, base, jitter, asked=asked, asked_before=before, asked_limit=limit
    )
    if following is None:
        given_up = f"{reason} (attempt {holder.failures + 1} of {holder.max_attempts})"
        return RunResult.FAILED if transitions.give_up(tx, holder.fence, given_up, traceback) else None
    again = transitions.try_again if following.counts else transitions.wait_as_asked
    return RunResult.ATTEMPT_FAILED if again(tx, holder.fence, following.seconds, reason, traceback) else None
