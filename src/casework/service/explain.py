"""Why a case is not being worked on right now: a code for programs and a sentence for people."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import Case, Consumer, QueueMode, RunRecord, TeamId
from casework.errors import NotFound
from casework.service import health
from casework.settings import Settings
from casework.store import agents, cases, queues, requests, runs
from casework.store.database import Database, Tx


@dataclass(frozen=True, slots=True)
class Explanation:
    """The first reason that applies, and the moment it turns on, where there is one."""

    code: str
    message: str
    until: datetime | None = None


def explain(db: Database, settings: Settings, team_id: TeamId, case_id: UUID) -> Explanation:
    """Why the case is not running. Raises NotFound."""
    with db.begin() as tx:
        found = cases.get_many(tx, [case_id])
        queue = queues.find_one(tx, team_id, id=found[0].queue_id) if found else None
        if queue is None:
            raise NotFound("case", case_id)
        rows = cases.lock(tx, [case_id])
        if not rows:
            raise NotFound("case", case_id)
        case, row = found[0], rows[0]
        match case.status:
            case CaseStatus.COMPLETED | CaseStatus.FAILED:
                return Explanation("ended", f"The case is {case.status} since {_time(case.completed_at)}.")
            case CaseStatus.NEEDS_INPUT:
                return _waiting_for_answer(tx, team_id, case)
            case CaseStatus.CLAIMED:
                return _claimed(tx, settings, case)
        return _unclaimed(tx, settings, team_id, case, row, queue.mode)


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else "now"


def _waiting_for_answer(tx: Tx, team_id: TeamId, case: Case) -> Explanation:
    request = requests.get(tx, team_id, case.pending_human_request_id) if case.pending_human_request_id else None
    since = request.created_at if request else case.updated_at
    title = f": {request.title}" if request else ""
    return Explanation("waiting_for_answer", f"Its run waits for a person since {_time(since)}{title}")


def _claimed(tx: Tx, settings: Settings, case: Case) -> Explanation:
    if case.agent_run_status is RunStatus.RUNNING:
        return Explanation("running", "It is being worked on.")
    missing = health.missing(tx, settings, "worker")
    if missing:
        return Explanation("no_worker", f"It is claimed, but {missing}.")
    return Explanation("waiting_for_worker", "It is claimed, and waits for a free worker.")


def _unclaimed(tx: Tx, settings: Settings, team_id: TeamId, case: Case, row: Any, mode: QueueMode) -> Explanation:
    old = runs.live_of_case(tx, case.id)
    if old is not None and old.id != case.claimed_by_run_id:
        return Explanation(
            "old_run_stopping",
            f"Its former run {old.id} has been asked to stop, and has not stopped yet.",
            row.ready_at,
        )
    if case.status is CaseStatus.POSTPONED and row.ready_at > tx.now:
        return Explanation("postponed", f"It is postponed until {_time(row.ready_at)}.", row.ready_at)
    if row.ready_at > tx.now:
        return Explanation(
            "backing_off", f"Its last attempt failed; the next one is at {_time(row.ready_at)}.", row.ready_at
        )
    if mode is QueueMode.PAUSED or (mode is QueueMode.DRAINING and old is None):
        return Explanation("queue_paused", f"Its queue is {mode}.")
    return _who_could(tx, settings, team_id, case, old)


def _who_could(tx: Tx, settings: Settings, team_id: TeamId, case: Case, run: RunRecord | None) -> Explanation:
    consumers = queues.consumers_of(tx, case.queue_id)
    only = run.agent_id if run else case.assigned_agent_id
    if only is not None:
        chosen = [one for one in consumers if one.agent_id == only]
        if not chosen:
            return Explanation("no_consumer", "It is meant for an agent that is no consumer of its queue.")
        if _full(chosen[0]):
            return Explanation(
                "agent_at_limit",
                f"It is meant for {chosen[0].agent_name}, which is at its limit of {chosen[0].concurrency}.",
            )
        return _soon(tx, settings, team_id, chosen)
    if not consumers:
        return Explanation("no_consumer", "Its queue has no consumer.")
    taking = [one for one in consumers if one.trigger]
    if not taking:
        return Explanation("trigger_off", "No consumer of its queue has its trigger on.")
    if all(_full(one) for one in taking):
        return Explanation("at_concurrency_limit", "All consumers of its queue are at their limits.")
    return _soon(tx, settings, team_id, taking)


def _full(consumer: Consumer) -> bool:
    return consumer.concurrency is not None and consumer.live_runs >= consumer.concurrency


def _soon(tx: Tx, settings: Settings, team_id: TeamId, takers: list[Consumer]) -> Explanation:
    found = [agent for one in takers if (agent := agents.find_one(tx, team_id, id=one.agent_id))]
    if found and not any(agent.kind.is_dispatched for agent in found):
        return Explanation("waiting_for_agent", "It waits until its agent asks for work.")
    missing = health.missing(tx, settings, "ticker")
    if missing:
        return Explanation("no_ticker", f"It is ready, but {missing}.")
    return Explanation("next_tick", "It is ready, and is claimed by one of the next ticks, in its turn.")
