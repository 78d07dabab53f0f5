"""Runs an agent on one case, attempt after attempt, as workers would."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from casework.agents import Agent, Complete, Fail, HandOver, Outcome, Postpone
from casework.agents.new_cases import new_case
from casework.agents.results import Asked, Crashed, Lost, Returned, Stopped
from casework.agents.results import Result as Ended
from casework.agents.runners.python import PythonRunner
from casework.agents.runners.registry import Runner
from casework.agents.stop import Stop, Suspended
from casework.core.lifecycle import CaseStatus
from casework.core.model import LabelRef, Message, NewCase, RunId
from casework.core.requests import Answer, Decision, OnExpiry, expiry_reason
from casework.core.requests import Request as AskedRequest
from casework.core.retry import next_attempt
from casework.errors import InvalidInput
from casework.settings import Settings
from casework.testing.answering import answered, checked
from casework.testing.backend import MemoryBackend, Record
from casework.testing.case import Cases
from casework.testing.points import Act, Killed, Points, WatchedRun
from casework.testing.results import FailedAttempt, Request, Result

Answers = Mapping[str, Any] | Callable[[Request], Any]
Listener = Callable[[Message | FailedAttempt], object]

MOST_ATTEMPTS = 1000

_DEFAULTS = Settings.model_construct()
"""The settings of an installation that sets nothing, whatever the environment says."""


def _nothing(*given: object) -> None:
    """The default of what may be called."""


def run_agent(
    agent: Agent | Runner,
    *,
    title: str = "a case",
    data: Any = "",
    priority: str = "none",
    labels: Sequence[LabelRef | Mapping[str, str]] = (),
    queue: str = "inbox",
    cases: Sequence[NewCase | Mapping[str, Any]] = (),
    answers: Answers | None = None,
    stop_at: str | None = None,
    release_at: str | None = None,
    kill_at: str | None = None,
    kill_in_step: str | Collection[str] = (),
    kill_after_step: str | Collection[str] = (),
    comes_back: int = 0,
    max_attempts: int = _DEFAULTS.max_attempts,
    listen: Listener = _nothing,
    sleep: Callable[[float], object] = _nothing,
) -> Result:
    """Run an agent on a case until the case has ended, waits for an answer, is postponed or is handed over.

    The case has `title`, `data`, `priority` ("none", "medium" or "high") and `labels`. It is in the queue with the name
    `queue`, and so are `cases`, which the agent finds with `run.list_cases`.

    `answers` are by the key or title of the request; or a function from the Request to its answer, or to None. An answer is
    the value of a question or form; True or False for an approval; a `casework.testing.Answering` for another decision, edited
    arguments or a message; or `Decision.EXPIRED`: time passes until the request expires. A request without an answer ends the
    test with the status `needs_input`.

    A point is a call on the run, such as "say:2" for the second `run.say` over all attempts, before it has any effect:

    - at `stop_at` a person stops the run;
    - at `release_at` the worker ends, and another one goes on with the run;
    - at `kill_at` the process is killed, and another attempt follows.

    `kill_in_step` and `kill_after_step` name steps: after one was done and before its result is recorded, or right after
    that, the process is killed, once for each name.

    `comes_back` is how many times a postponed case is taken up again, by a new run, when its time has come. After
    `max_attempts` failed attempts the case fails. `listen` is called with each message, and with each failed attempt that
    another one follows. No time passes: `sleep` gets the seconds that the agent sleeps, or waits for its next attempt.

    Raises InvalidInput for what is no agent, for a case, answer or point that cannot be, and for a point that the agent
    did not come to.
    """
    held = new_case({"title": title, "data": data, "priority": priority, "labels": labels})
    present = [one if isinstance(one, NewCase) else new_case(one) for one in cases]
    points = Points(
        {Act.STOP: stop_at, Act.RELEASE: release_at, Act.KILL: kill_at},
        kill_in_step=kill_in_step,
        kill_after_step=kill_after_step,
    )
    around = Cases(held, queue, present)
    name = getattr(agent, "__name__", "agent")
    trial = Trial(name, _runner(agent), around, points, answers or {}, comes_back, max_attempts, listen, sleep)
    result = trial.play()
    points.check_reached()
    return result


def _runner(agent: Agent | Runner) -> Runner:
    if isinstance(agent, Agent):
        return PythonRunner(agent)
    if not callable(getattr(agent, "call", None)):
        raise InvalidInput(f"{agent!r} is not an agent: decorate it with @casework.agent.")
    return agent


class _Stop(Stop):
    """A stop request, in a time that does not pass by itself."""

    def __init__(self, sleep: Callable[[float], object]) -> None:
        super().__init__()
        self._sleep = sleep

    def wait(self, seconds: float) -> bool:
        self._sleep(seconds)
        return self.requested


class Trial:
    """The work on one case. The rules are those of `service.execution.outcomes`, which need a database there."""

    def __init__(
        self,
        name: str,
        runner: Runner,
        cases: Cases,
        points: Points,
        answers: Answers,
        comes_back: int,
        max_attempts: int,
        listen: Listener,
        sleep: Callable[[float], object],
    ) -> None:
        self._name, self._runner, self._cases, self._points = name, runner, cases, points
        self._answers, self._comes_back, self._max_attempts = answers, comes_back, max_attempts
        self._listen, self._sleep = listen, sleep
        self._runs: list[Record] = []
        self._requests: list[Request] = []
        self._failed: list[FailedAttempt] = []
        self._status = CaseStatus.CLAIMED
        self._outcome: Outcome | None = None
        self._reason: str | None = None

    def play(self) -> Result:
        """Make attempts until none follows."""
        self._runs.append(Record(RunId(self._cases.new_id())))
        attempts = 0
        while self._attempt():
            attempts += 1
            if attempts >= MOST_ATTEMPTS:
                raise InvalidInput(f"The agent has not ended in {MOST_ATTEMPTS} attempts.")
        last = self._runs[-1]
        return Result(
            self._status,
            self._outcome,
            self._reason,
            last.error,
            self._cases.held,
            [message for run in self._runs for message in run.messages.values()],
            self._requests,
            self._cases.added,
            {name: step.value for name, step in last.steps.items()},
            dict(self._points.done),
            last.attempt,
            self._failed,
            last.usage,
            last.streamed,
            dict(last.states),
            len(self._runs),
        )

    def _attempt(self) -> bool:
        """Make one attempt; whether another one follows."""
        record, stop = self._runs[-1], _Stop(self._sleep)
        record.attempt += 1
        backend = MemoryBackend(self._cases, record, said=self._listen, after_step=self._points.after_step)

        def happens(act: Act) -> None:
            # Who releases a run still holds its case.
            backend.holds = act is Act.RELEASE
            if act is Act.KILL:
                run.is_dead = True
                raise Killed
            stop.request()

        self._points.happens = happens
        run = WatchedRun(
            id=record.id,
            attempt=record.attempt,
            agent_name=self._name,
            case=self._cases.held,
            history=record.history(),
            backend=backend,
            stop=stop,
        )
        run.points = self._points
        ended = self._runner.call(run, stop)
        if run.is_dead:
            return self._is_lost(record)
        if not backend.holds:
            return self._ends(CaseStatus.FAILED, None, "stopped by a person")
        backend.holds = False
        return self._settle(record, ended)

    def _settle(self, record: Record, ended: Ended) -> bool:
        match ended:
            case Returned(outcome):
                if isinstance(outcome, Fail):
                    record.error = None
                return self._moves(outcome)
            case Asked(wait):
                return self._asks(record, wait)
            case Crashed(reason, traceback, True, retry_after):
                return self._tries_again(record, reason, traceback, retry_after)
            case Crashed(reason, traceback, _):
                record.error = traceback
                return self._ends(CaseStatus.FAILED, Fail(reason), reason)
            case Stopped() | Lost():
                return True

    def _moves(self, outcome: Outcome) -> bool:
        match outcome:
            case Complete(reason):
                return self._ends(CaseStatus.COMPLETED, outcome, reason)
            case Fail(reason):
                return self._ends(CaseStatus.FAILED, outcome, reason)
            case HandOver(_, reason):
                return self._ends(CaseStatus.PENDING, outcome, reason)
            case Postpone(reason=reason):
                if len(self._runs) > self._comes_back:
                    return self._ends(CaseStatus.POSTPONED, outcome, reason)
                self._runs.append(Record(RunId(self._cases.new_id())))
                return True

    def _asks(self, record: Record, wait: Suspended) -> bool:
        """Everything of one wait is put to people before anything follows from it."""
        given = [(one, self._given(one.request)) for one in wait.placed]
        self._requests += [Request.of(one.request, answer) for one, answer in given]
        for one, answer in given:
            if answer is not None and answer.decision is Decision.EXPIRED:
                match one.request.on_expiry:
                    case OnExpiry.FAIL:
                        return self._ends(CaseStatus.FAILED, None, expiry_reason(one.request))
                    case OnExpiry.POSTPONE:
                        until = Postpone(cast(timedelta, one.request.postpone_for), expiry_reason(one.request))
                        return self._moves(until)
        for one, answer in given:
            if answer is not None:
                record.answered.append(answered(one, answer, record.asked))
            record.asked += one.request.key is None
        return all(answer for _, answer in given) or self._ends(CaseStatus.NEEDS_INPUT, None, None)

    def _given(self, asked: AskedRequest) -> Answer | None:
        find = self._answers
        given = find(Request.of(asked, None)) if callable(find) else find.get(asked.key or "", find.get(asked.title))
        return None if given is None else checked(asked, given)

    def _tries_again(self, record: Record, reason: str, traceback: str | None, asked: float | None) -> bool:
        record.error = traceback
        following = next_attempt(
            record.failures,
            self._max_attempts,
            _DEFAULTS.retry_base_seconds,
            0.0,
            asked=asked,
            asked_before=record.asked_wait,
            asked_limit=_DEFAULTS.retry_after_seconds,
        )
        if following is None:
            given_up = f"{reason} (attempt {record.failures + 1} of {self._max_attempts})"
            return self._ends(CaseStatus.FAILED, Fail(given_up), given_up)
        if following.counts:
            record.failures += 1
        else:
            record.asked_wait += following.seconds
        return self._waits(reason, following.seconds)

    def _is_lost(self, record: Record) -> bool:
        """As the sweep finds it, once the lease is over."""
        record.error, reason = None, "worker fell silent"
        following = next_attempt(
            record.failures, self._max_attempts, _DEFAULTS.retry_base_seconds, 0.0, passed=_DEFAULTS.lease_seconds
        )
        if following is None:
            given_up = f"{reason}, in attempt after attempt"
            return self._ends(CaseStatus.FAILED, Fail(given_up), given_up)
        record.failures += 1
        return self._waits(reason, following.seconds)

    def _waits(self, reason: str, seconds: float) -> bool:
        self._failed.append(FailedAttempt(reason, seconds))
        self._listen(self._failed[-1])
        self._sleep(seconds)
        return True

    def _ends(self, status: CaseStatus, outcome: Outcome | None, reason: str | None) -> bool:
        self._status, self._outcome, self._reason = status, outcome, reason
        return False
