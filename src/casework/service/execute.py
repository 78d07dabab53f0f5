"""One attempt of a run, as a pipeline: start, gather, call, settle. What each step found is a value."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep
from typing import Any, Protocol, TypeVar

from casework import log
from casework.agents import Complete, Fail, HeldCase, Postpone, Run, targets
from casework.agents.call import Asked, Crashed, Lost, Result, Returned, Stopped, call
from casework.agents.run import History
from casework.agents.stop import Stop
from casework.core.model import (
    AgentId,
    Bundle,
    CaseId,
    Committed,
    Effects,
    LabelRef,
    Priority,
    QueueId,
    RunId,
    RunMessage,
    TeamId,
)
from casework.errors import CaseworkError, DatabaseUnavailable, TargetNotAllowed
from casework.service import outcomes
from casework.service.crash_points import Point, reach
from casework.service.desk import Perform, RunDesk
from casework.service.outcomes import Holder
from casework.settings import Settings
from casework.store import messages, requests, runs, transitions
from casework.store.database import Database, Tx
from casework.store.transitions import Fence


class Watch(Protocol):
    """The supervisor's heartbeat, as those who execute runs see it."""

    def begin(self, message: RunMessage) -> Stop:
        """Keep this run alive from now on; its stop request."""

    def end(self, message: RunMessage) -> None:
        """Let go of it, also where that was done."""


Written = TypeVar("Written")


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt that this process now executes."""

    message: RunMessage
    holder: Holder
    case: HeldCase
    agent_name: str
    target: str
    limited: bool
    """Whether its end gives a consumer a slot back."""

    @property
    def fence(self) -> Fence:
        """What its writes are checked against."""
        return self.holder.fence


def start(db: Database, settings: Settings, message: RunMessage, worker: str) -> Started | None:
    """Take the run, unless it has been started, or interrupted."""
    with db.single() as tx:
        row = transitions.start(tx, message, worker)
    return started(row, settings) if row else None


def start_all(db: Database, settings: Settings, messages: Bundle, worker: str) -> list[Started]:
    """Take those of the runs that are to be started, in their order."""
    with db.single() as tx:
        found = [started(row, settings) for row in transitions.start_all(tx, messages, worker)]
    by_message = {one.message: one for one in found}
    return [by_message[message] for message in messages if message in by_message]


def started(row: Any, settings: Settings) -> Started:
    """The attempt, from its row."""
    fence = Fence(CaseId(row.case_id), RunId(row.run_id), row.attempt)
    message = RunMessage(fence.run_id, fence.attempt)
    return Started(
        message, holder_of(row, fence, settings), held_case(row), row.agent_name, row.target or "", row.limited
    )


def holder_of(row: Any, fence: Fence, settings: Settings) -> Holder:
    """Who holds the case, from a started run's row."""
    return Holder(
        fence,
        QueueId(row.queue_id),
        TeamId(row.team_id),
        AgentId(row.agent_id),
        row.failures,
        row.max_attempts or settings.max_attempts,
    )


def held_case(row: Any) -> HeldCase:
    """The case, from a started run's row."""
    labels = tuple(LabelRef(value, key) for key, value in row.labels or ())
    return HeldCase(
        CaseId(row.case_id),
        QueueId(row.queue_id),
        row.title,
        row.data,
        Priority.of_rank(row.priority),
        labels,
        row.created_at,
    )


def work(db: Database, settings: Settings, started: Started, stop: Stop, perform: Perform) -> Result:
    """Find the agent and call it."""
    try:
        agent = targets.load(started.target, settings.modules)
        history = _history(db, started) if started.message.attempt > 1 else History()
    except CaseworkError as error:
        # What this worker cannot find, another one may have, or this one once it was started with newer code.
        return Crashed(str(error), None, transient=not isinstance(error, TargetNotAllowed))
    desk = RunDesk(db, started.holder, perform)
    run = Run(
        id=started.fence.run_id,
        attempt=started.message.attempt,
        agent_name=started.agent_name,
        case=started.case,
        history=history,
        desk=desk,
        stop=stop,
    )
    return call(agent, run, stop)


def _history(db: Database, started: Started) -> History:
    with db.begin() as tx:
        asked = requests.of_run(tx, started.fence.run_id)
        steps = messages.steps_of(tx, started.fence.run_id)
    return History({(request.kind, request.title): request.answer for request in asked if request.responded_at}, steps)


def settle(
    db: Database,
    settings: Settings,
    started: Started,
    result: Result,
    *,
    first: bool = True,
    ended: float | None = None,
) -> str:
    """Write the outcome, and name what came of it. While the database is away the outcome is kept and tried again.

    `first` is False where it may have been written before, by a try of which the database has not told. `ended` is when a
    run that completed did so, by this process's monotonic clock; None is now.
    """

    def write(now_first: bool) -> str:
        done = _end(db, started, result, ended) or _settle(db, settings, started, result, first=first and now_first)
        reach(Point.OUTCOME_COMMITTED, done)
        return done

    return patiently("outcome", write) or "not written"


def patiently(what: str, write: Callable[[bool], Written]) -> Written | None:
    """Try until the database is there. `write` is told whether it is tried for the first time.

    Gives up after twenty minutes, and returns None.
    """
    for tries in range(1, 600):
        try:
            return write(tries == 1)
        except DatabaseUnavailable:
            log.warn(f"run.{what}_waits", tries=tries)
            sleep(min(2.0, 0.1 * tries))
    return None


def _end(db: Database, started: Started, result: Result, ended: float | None) -> str | None:
    """Write an outcome that takes one statement, without a transaction around it; None where the fence refuses it, or
    where it takes several."""
    if not (isinstance(result, Returned) and isinstance(result.outcome, Complete | Fail | Postpone)):
        return None
    with db.single() as tx:
        return outcomes.end(tx, started.fence, result.outcome, 0.0 if ended is None else monotonic() - ended)


def _settle(db: Database, settings: Settings, started: Started, result: Result, *, first: bool) -> str:
    fence = started.fence
    with db.begin() as tx:
        if isinstance(result, Lost | Stopped):
            return "interrupted" if give_back(tx, fence) else "lost"
        written = _write(tx, settings, started, result)
        if written is None and first:
            # Not after a failed try: that one may have been committed, and this refusal would be of ourselves.
            runs.record_refusal(tx, fence, _named(result))
            log.warn("run.write_refused", run=fence.run_id, attempt=fence.attempt, what=_named(result))
        if written is None:
            transitions.stopped(tx, fence.run_id, fence.attempt, "stopped after its case was taken")
        reach(Point.OUTCOME_WRITTEN)
        return written or "refused"


def give_back(tx: Tx, fence: Fence) -> bool:
    """End a run that stopped: released for another worker, or for good where its case was taken. In this order, because
    the release waits for a person who is taking the case, and what comes after it sees that it was taken."""
    return transitions.release(tx, fence, "released as asked") or transitions.stopped(
        tx, fence.run_id, fence.attempt, "stopped as asked"
    )


def _named(result: Result) -> str:
    return (
        f"outcome {type(result.outcome).__name__}"
        if isinstance(result, Returned)
        else f"outcome {type(result).__name__}"
    )


def _write(tx: Tx, settings: Settings, started: Started, result: Result) -> str | None:
    """Move the case; None where the fence refused."""
    match result:
        case Returned(outcome):
            return outcomes.write(tx, started.holder, outcome)
        case Asked(question):
            return outcomes.ask(tx, started.fence, question)
        case Crashed(reason, traceback, True):
            return outcomes.try_again(tx, settings, started.holder, reason, traceback)
        case Crashed(reason, traceback, _):
            return outcomes.fail(tx, started.fence, reason, traceback)
        case _:
            raise AssertionError(result)


def executing(db: Database, worker: str) -> int:
    """How many runs a worker executes."""
    with db.begin() as tx:
        return len(runs.running_of(tx, worker))


def release_all_of(db: Database, worker: str) -> Committed[int]:
    """Release whatever a worker still executes: called when nothing of it can run on."""
    released = 0
    with db.begin() as tx:
        held = runs.running_of(tx, worker)
    for fence in held:
        with db.begin() as tx:
            released += give_back(tx, fence)
    return Committed(released, Effects(nudge=released > 0))


def ask_worker_to_release(db: Database, worker: str, grace: float) -> Committed[int]:
    """Ask the runs of a worker that shuts down to stop within `grace` seconds and give their cases back."""
    from_now = timedelta(seconds=grace)
    with db.begin() as tx:
        asked = transitions.ask_to_release(tx, from_now, worker=worker)
    return Committed(len(asked), Effects(stops=tuple(asked)))
