"""Runs an agent in the real engine, on PostgreSQL, as the kit does in memory."""

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import scenario_agents

from casework.agents.results import Result
from casework.core.effects import Effects, RunMessage
from casework.core.lifecycle import CaseStatus, EventType
from casework.core.model import CaseFilter, NewCase, RunRecord
from casework.core.requests import Answering, Decision
from casework.service import agents, cases, queues, release, requests, runs
from casework.service.execution import outcomes
from casework.service.execution.attempt import Attempt
from casework.service.execution.executor import call_agent
from casework.service.sweep import sweep
from casework.settings import Settings
from factories import TEAM, a_consumer, an_attempt, claim
from rolled_back import Clock, RolledBack

SETTINGS = Settings(agent_modules="scenario_agents")
KEY_OF_ADDED_CASES = re.compile(r"[0-9a-f]{24}-\d+")


class Died(BaseException):
    """The worker's process was killed."""


class Engine:
    """One case in a queue with one agent, and a worker that can be killed."""

    def __init__(self, db: RolledBack, clock: Clock, name: str, data: Any, max_attempts: int) -> None:
        self.db, self.clock = db, clock
        self.queue, self.second = queues.create(db, TEAM, "inbox"), queues.create(db, TEAM, "second")
        agent = an_agent_of(db, name, max_attempts)
        # It takes this case, and not those that it adds.
        a_consumer(db, self.queue, agent, trigger=False)
        a_consumer(db, self.queue, agents.create(db, SETTINGS, TEAM, "other", kind="pull"))
        (self.case_id,) = cases.create(db, self.queue.id, [NewCase("a case", data)]).value
        cases.delegate(db, SETTINGS, self.queue.id, [self.case_id], agent.id)
        self.died = False
        self.attempt: Attempt | None = None

    def play(self, answers: dict[str, Any], comes_back: int) -> dict[str, Any]:
        """Tick, work and answer until nothing goes on; what came of it."""
        for _ in range(100):
            sweep(self.db, SETTINGS)
            if messages := claim(self.db):
                self.work(messages[0])
                continue
            case = cases.get(self.db, TEAM, self.case_id)[0]
            if case.status is CaseStatus.NEEDS_INPUT and self.answer(answers):
                continue
            if case.status is CaseStatus.POSTPONED and comes_back:
                comes_back -= 1
                self.clock.now = case.postponed_to
            elif case.status is CaseStatus.PENDING and case.claimed_by_run_id:
                self.clock.now = self.ready_at()
            elif case.status is not CaseStatus.CLAIMED:
                return self.observed()
        raise AssertionError("it does not end")

    def work(self, message: RunMessage) -> None:
        started = self.attempt = an_attempt(self.db, message, settings=SETTINGS)
        assert started is not None
        self.died = False
        result: Result = call_agent(self.db, SETTINGS, started, lambda effects: None)
        if self.died:
            self.clock.forward(SETTINGS.lease_seconds)
        else:
            outcomes.finish(self.db, SETTINGS, replace(started, result=result))

    def dies(self) -> None:
        self.died = True
        raise Died

    def is_stopped(self) -> None:
        assert self.attempt
        self.perform(runs.stop(self.db, SETTINGS, TEAM, self.attempt.fence.run_id).effects)

    def is_released(self) -> None:
        self.perform(release.ask_to_release(self.db, "w", 10).effects)

    def perform(self, effects: Effects) -> None:
        assert self.attempt and effects.stops
        self.attempt.stop.request()

    def answer(self, answers: dict[str, Any]) -> bool:
        """Answer what waits, the newest first, and then let time pass if a request is to expire."""
        waiting = requests.find(self.db, TEAM)
        given = [(one, answers.get(one.key or one.title)) for one in reversed(waiting)]
        for request, answer in given:
            if answer is not None and answer is not Decision.EXPIRED:
                answering = answer if isinstance(answer, Answering) else Answering(value=answer)
                requests.answer(self.db, TEAM, request.id, answering)
        if any(answer is Decision.EXPIRED for _, answer in given):
            self.clock.forward(3600)
            sweep(self.db, SETTINGS)
        return all(answer is not None for _, answer in given)

    def ready_at(self) -> Any:
        with self.db.begin() as tx:
            return tx.sql("select ready_at from cases where id = %(id)s", {"id": self.case_id}).scalar_one()

    def observed(self) -> dict[str, Any]:
        case, events = cases.get(self.db, TEAM, self.case_id)
        ran = runs.find(self.db, TEAM, case_id=case.id, limit=100)[::-1]
        steps = runs.list_steps(self.db, TEAM, ran[-1].id, limit=100)
        asked = requests.find(self.db, TEAM, open_only=False)
        return {
            "status": case.status,
            "reason": self.reason(ran[-1]),
            "error": last_line(ran[-1].error),
            "case": (case.title, case.data, case.priority, [(one.key, one.value) for one in case.labels]),
            "messages": [
                (one.type, one.content) for run in ran for one in runs.list_messages(self.db, TEAM, run.id, limit=100)
            ],
            "requests": [
                (
                    one.kind,
                    one.title,
                    one.description,
                    one.options,
                    one.answer,
                    one.decision,
                    one.arguments,
                    one.message,
                )
                for one in asked
            ],
            "cases": [
                (
                    queue.name,
                    one.title,
                    one.data,
                    one.priority,
                    one.key,
                    sorted(f"{x.key}={x.value}" for x in one.labels),
                )
                for queue in (self.queue, self.second)
                for one in cases.find(self.db, queue.id, CaseFilter(), limit=100)[::-1]
                if one.id != case.id
            ],
            "steps": {one.name: one.value for one in steps if not KEY_OF_ADDED_CASES.fullmatch(one.name)},
            "attempts": ran[-1].attempt,
            "failed": [
                re.sub(r"worker w (fell silent) for .*", r"worker \1", event.reason or "")
                for event in events
                if event.type == EventType.ATTEMPT_FAILED
            ],
            "runs": len(ran),
        }

    def reason(self, last: RunRecord) -> str | None:
        found = cases.end_reasons(self.db, [self.case_id]).get(self.case_id, last.reason)
        return found and re.sub(r"worker w (fell silent) for [\d.]+ s", r"worker \1", found)


def an_agent_of(db: RolledBack, name: str, max_attempts: int) -> Any:
    return agents.create(db, SETTINGS, TEAM, "worker", target=f"scenario_agents:{name}", max_attempts=max_attempts)


def last_line(error: str | None) -> str | None:
    return error and error.rstrip().splitlines()[-1]


def play(
    db: RolledBack,
    clock: Clock,
    name: str,
    *,
    data: Any = "",
    answers: dict[str, Any] | None = None,
    hooks: dict[str, str] | None = None,
    comes_back: int = 0,
    max_attempts: int = 5,
) -> tuple[dict[str, Any], Counter[str]]:
    """What came of the case, and how often each step was done. A hook is the name of what happens at a place."""
    engine = Engine(db, clock, name, data, max_attempts)
    scenario_agents.DONE.clear()
    scenario_agents.HOOKS.clear()
    scenario_agents.HOOKS.update({place: getattr(engine, act) for place, act in (hooks or {}).items()})
    seen = engine.play(answers or {}, comes_back)
    assert not scenario_agents.HOOKS, "not reached"
    return seen, Counter(scenario_agents.DONE)
