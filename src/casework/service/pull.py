"""Agents elsewhere: a program in any language asks for work, and reports on it, under the same fence and lease."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from casework.agents import HeldCase, Outcome
from casework.agents.stop import Suspended
from casework.core.effects import Committed, Effects, RunMessage
from casework.core.model import Agent, AgentId, CaseId, RunId, TeamId
from casework.core.requests import Answered
from casework.errors import Conflict, NotFound, RunLost
from casework.service import admission, agents
from casework.service.execution import outcomes
from casework.service.execution.attempt import RunResult
from casework.service.holding import Holder, held_case, recorded
from casework.service.run_backend import Perform, RunBackend
from casework.settings import Settings
from casework.store import candidates, consumers, messages, queues, runs, transitions
from casework.store.database import Database, Tx
from casework.store.transitions import Fence


def as_json(value: Any) -> str:
    """A value as JSON text."""
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class PulledRun:
    """A run that a program elsewhere now executes, with what the run has done before."""

    run_id: RunId
    attempt: int
    case: HeldCase
    answers: list[Answered]
    steps: dict[str, Any]


Permitted = Collection[AgentId] | None
"""The agents that the caller may work as; None for every agent of its team."""


def check_case(db: Database, case_id: UUID, permitted: Permitted) -> None:
    """Raise NotFound if the caller may work as some agents only, and none of them holds the case now."""
    if permitted is None:
        return
    with db.begin() as tx:
        held = runs.is_held_by(tx, case_id, permitted)
    if not held:
        raise NotFound("case", case_id)


def check_queue(db: Database, queue_id: UUID, permitted: Permitted) -> None:
    """Raise NotFound if the caller may work as some agents only, and none of them is connected to the queue."""
    if permitted is None:
        return
    with db.begin() as tx:
        if not any(queue_id in queues.queues_of_agent(tx, agent_id) for agent_id in permitted):
            raise NotFound("queue", queue_id)


def agent_id(db: Database, team_id: TeamId, ref: str, permitted: Permitted) -> AgentId:
    """The id of the pull agent with that name. Raises NotFound, and Conflict for other agents."""
    with db.begin() as tx:
        return _pull_agent(tx, team_id, ref, permitted).id


def _pull_agent(tx: Tx, team_id: TeamId, ref: str | UUID, permitted: Permitted) -> Agent:
    agent = agents.resolve(tx, team_id, ref)
    if permitted is not None and agent.id not in permitted:
        raise NotFound("agent", ref)
    if agent.kind.is_dispatched:
        raise Conflict(f"The agent {agent.name!r} is executed by workers; only pull agents ask for work.")
    return agent


def with_work(db: Database, agent_ids: Collection[AgentId]) -> set[AgentId]:
    """The agents for which a case is ready, whether or not they have a free slot. Locks nothing."""
    with db.single() as tx:
        return consumers.with_work(tx, agent_ids)


def claim(
    db: Database,
    team_id: TeamId,
    agent_id: UUID,
    worker: str,
    permitted: Permitted = None,
) -> PulledRun | None:
    """Claim and start one case for a pull agent; None if no case is ready. Raises NotFound, and Conflict for other
    agents."""
    for number in range(_ROUNDS):
        with db.begin() as tx:
            agent = _pull_agent(tx, team_id, agent_id, permitted)
            message, looks_again = _claim_one(tx, agent, again=number > 0)
            if message is not None:
                return _started(tx, message, worker)
        if not looks_again:
            break
    return None


def _started(tx: Tx, message: RunMessage, worker: str) -> PulledRun:
    row = transitions.start(tx, message, worker)
    assert row is not None
    if row.keeps_steps:
        messages.take_kept_steps(tx, Fence(CaseId(row.case_id), message.run_id, message.attempt))
    return pulled(tx, message, held_case(row))


def pulled(tx: Tx, message: RunMessage, case: HeldCase) -> PulledRun:
    """The run as its claim returns it."""
    answers, steps = recorded(tx, message.run_id)
    values = {name: step.value for name, step in steps.items()}
    return PulledRun(message.run_id, message.attempt, case, answers, values)


_PAST = 10
"""How many cases of a lane a claim looks at if a limit may hold some of them back."""

_ROUNDS = 20
"""How often a claim looks again, in a transaction of its own, after all that it found had to leave the lanes for their lines."""


def _claim_one(tx: Tx, agent: Agent, *, again: bool) -> tuple[RunMessage | None, bool]:
    """The run, or else whether to look again."""
    held, _ = consumers.lock(tx, (agent.kind,), 1, agent_id=agent.id)
    free = [one for one in held if one.opening.slots]
    if not free:
        return None, False
    now = max(one.now for one in free)
    limits = admission.limits_of(tx, free)
    most = admission.PAST if again or admission.looks_past(limits) else _PAST if limits else 1
    found = candidates.first(tx, [probe for one in free for probe in one.probes()], now, most)
    done = admission.claim(tx, free, found, now, limits, one=True)
    return (done.claimed[0][1] if done.claimed else None), done.looks_again


def _holder(
    tx: Tx, settings: Settings, team_id: TeamId, run_id: UUID, attempt: int, permitted: Permitted = None
) -> Holder:
    """The attempt that writes. Raises NotFound if the caller has no such run of a pull agent."""
    run = runs.get(tx, team_id, run_id)
    agent = agents.resolve_any(tx, team_id, run.agent_id) if run else None
    if run is None or agent is None or agent.kind.is_dispatched:
        raise NotFound("run of a pull agent", run_id)
    if permitted is not None and agent.id not in permitted:
        raise NotFound("run of a pull agent", run_id)
    fence = Fence(run.case_id or CaseId(UUID(int=0)), run.id, attempt)
    return Holder(
        fence,
        run.queue_id,
        team_id,
        AgentId(run.agent_id),
        run.failures,
        agent.max_attempts or settings.max_attempts,
        run.asked_wait_seconds,
    )


def heartbeat(
    db: Database, settings: Settings, team_id: TeamId, run_id: UUID, attempt: int, permitted: Permitted = None
) -> bool:
    """Record a heartbeat. Returns whether the run was asked to stop. Raises RunLost if it no longer holds its case."""
    with db.begin() as tx:
        holder = _holder(tx, settings, team_id, run_id, attempt, permitted)
        alive = runs.heartbeat(tx, [RunMessage(holder.fence.run_id, attempt)])
    if holder.fence.run_id not in alive:
        raise RunLost
    return alive[holder.fence.run_id]


def backend(
    db: Database,
    settings: Settings,
    team_id: TeamId,
    run_id: UUID,
    attempt: int,
    perform: Perform,
    permitted: Permitted = None,
) -> RunBackend:
    """The run's backend, for messages, steps and changes of the case."""
    with db.begin() as tx:
        return RunBackend(db, _holder(tx, settings, team_id, run_id, attempt, permitted), perform)


Write = Callable[[Tx, Holder], RunResult | None]


def _write(
    db: Database,
    settings: Settings,
    team_id: TeamId,
    run_id: UUID,
    attempt: int,
    permitted: Permitted,
    what: str,
    write: Write,
) -> Committed[RunResult]:
    """Write the end of an attempt; a refused one is recorded, and ends a run that was asked to stop. Raises RunLost."""
    with db.begin() as tx:
        holder = _holder(tx, settings, team_id, run_id, attempt, permitted)
        written = write(tx, holder)
        if written is None:
            runs.record_refusal(tx, holder.fence, what)
            transitions.stopped(tx, holder.fence.run_id, attempt, "stopped after its case was taken")
    if written is None:
        raise RunLost
    return Committed(written, Effects(nudge=True))


def outcome(
    db: Database,
    settings: Settings,
    team_id: TeamId,
    run_id: UUID,
    attempt: int,
    result: Outcome,
    permitted: Permitted = None,
) -> Committed[RunResult]:
    """The agent's outcome. Raises RunLost."""
    what = f"outcome {type(result).__name__}"
    return _write(
        db, settings, team_id, run_id, attempt, permitted, what, lambda tx, holder: outcomes.write(tx, holder, result)
    )


def crashed(
    db: Database,
    settings: Settings,
    team_id: TeamId,
    run_id: UUID,
    attempt: int,
    reason: str,
    permitted: Permitted = None,
    *,
    retry_after: float | None = None,
) -> Committed[RunResult]:
    """Record a temporary failure of the attempt. `retry_after` is the wait in seconds that a service asked the agent for.
    Raises RunLost."""
    return _write(
        db,
        settings,
        team_id,
        run_id,
        attempt,
        permitted,
        "a failed attempt",
        lambda tx, holder: outcomes.try_again(tx, settings, holder, reason, None, retry_after),
    )


def ask(
    db: Database,
    settings: Settings,
    team_id: TeamId,
    run_id: UUID,
    attempt: int,
    wait: Suspended,
    permitted: Permitted = None,
) -> Committed[RunResult]:
    """Suspend the run until people have answered; its next claim brings the answers. Raises RunLost."""
    return _write(
        db,
        settings,
        team_id,
        run_id,
        attempt,
        permitted,
        "a question",
        lambda tx, holder: outcomes.ask(tx, holder.fence, wait),
    )


def release(
    db: Database, settings: Settings, team_id: TeamId, run_id: UUID, attempt: int, permitted: Permitted = None
) -> Committed[RunResult]:
    """Release the run, or end it if it was asked to stop. Raises RunLost."""

    def write(tx: Tx, holder: Holder) -> RunResult | None:
        if transitions.release(tx, holder.fence, "released by its agent"):
            return RunResult.RELEASED
        return (
            RunResult.INTERRUPTED if transitions.stopped(tx, holder.fence.run_id, attempt, "stopped as asked") else None
        )

    return _write(db, settings, team_id, run_id, attempt, permitted, "a release", write)
