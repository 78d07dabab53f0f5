"""Why a case is not being worked on right now: a code for programs and a sentence for people."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import TeamId
from casework.errors import NotFound
from casework.service.diagnosis.causes import Reason, Situation, why_not_claimed, why_not_started
from casework.settings import Settings
from casework.store import queues, snapshot
from casework.store.database import Database
from casework.store.snapshot import CaseSnapshot


@dataclass(frozen=True, slots=True)
class Explanation:
    """The first reason that applies, and until when, if that is known."""

    code: Reason
    message: str
    until: datetime | None = None


def explain(db: Database, settings: Settings, team_id: TeamId, case_id: UUID) -> Explanation:
    """Why the case is not being worked on. Raises NotFound."""
    with db.snapshot() as tx:
        case = snapshot.of_case(tx, team_id, case_id)
        queue = queues.find_one(tx, team_id, id=case.queue_id) if case else None
        if case is None or queue is None:
            raise NotFound("case", case_id)
        if explanation := _of_case_alone(case, tx.now, settings):
            return explanation
        situation = Situation(snapshot.of_queue(tx, queue, settings.worker_silence, case.id), settings)
    if case.status is CaseStatus.CLAIMED:
        return _not_started(situation, case)
    return _not_claimed(situation, case)


def _of_case_alone(case: CaseSnapshot, now: datetime, settings: Settings) -> Explanation | None:
    """The reasons that need no look at the queue."""
    match case.status:
        case CaseStatus.COMPLETED | CaseStatus.FAILED:
            why = f": {case.end_reason}" if case.end_reason else "."
            return Explanation(Reason.ENDED, f"The case {case.status} at {_time(case.completed_at)}{why}")
        case CaseStatus.NEEDS_INPUT:
            asked = f"Its run has waited for a person since {_time(case.requested_at)}: {case.request_title}"
            return Explanation(Reason.WAITING_FOR_ANSWER, asked)
        case CaseStatus.CLAIMED if case.run_status is RunStatus.RUNNING:
            return _running(case, now, timedelta(seconds=settings.lease_seconds))
    return None


def _running(case: CaseSnapshot, now: datetime, lease: timedelta) -> Explanation:
    """Whoever works on it, here or elsewhere, sends a heartbeat within half the lease."""
    silent = now - case.heard_at if case.heard_at else timedelta(0)
    if silent <= lease / 2:
        return Explanation(Reason.RUNNING, "It is being worked on.")
    again = now - silent + lease
    heard = f"its worker was last heard of {silent.total_seconds():.0f} s ago"
    again_at = f"If it stays silent, the run starts again at {_time(again)}."
    return Explanation(Reason.RUNNING, f"It is being worked on, but {heard}. {again_at}", again)


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else "an unknown time"


def _not_started(situation: Situation, case: CaseSnapshot) -> Explanation:
    its_own = [one for one in situation.consumers if one.agent_id == case.run_agent_id]
    cause = why_not_started(situation, its_own)
    if cause and (cause.is_trouble or cause.reason is not Reason.WAITING_FOR_WORKER):
        return Explanation(cause.reason, f"It is claimed, but its run does not start: {_ended(cause.detail)}")
    return Explanation(Reason.WAITING_FOR_WORKER, "It is claimed, and waits for a free worker.")


_IN_ITS_TURN = "It is ready, and one of the next ticks claims it in its turn."


def _not_claimed(situation: Situation, case: CaseSnapshot) -> Explanation:
    ready_at = case.waiting.since
    is_ready = ready_at <= situation.held.now
    if case.waiting.blocked and not is_ready:
        message = f"Its former run {case.run_id} was asked to stop, and has not stopped yet."
        return Explanation(Reason.OLD_RUN_STOPPING, message, ready_at)
    if not is_ready:
        if case.status is CaseStatus.POSTPONED:
            return Explanation(Reason.POSTPONED, f"It is postponed until {_time(ready_at)}.", ready_at)
        return Explanation(
            Reason.BACKING_OFF, f"Its last attempt failed; the next one is at {_time(ready_at)}.", ready_at
        )
    cause = why_not_claimed(situation, case.waiting)
    if cause.reason is Reason.NEXT_TICK and not cause.is_trouble:
        return Explanation(cause.reason, _IN_ITS_TURN)
    former = f" It is run {case.run_id}." if case.waiting.blocked else ""
    return Explanation(cause.reason, f"It is ready, but {_ended(cause.detail)}{former}", cause.until)


def _ended(text: str) -> str:
    return text if text.endswith("?") else f"{text}."
