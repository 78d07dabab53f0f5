"""Why a case is not being worked on right now: a code for programs and a sentence for people."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import TeamId
from casework.errors import NotFound
from casework.service.diagnosis.causes import Reason, Situation, why_not_claimed, why_not_started
from casework.service.diagnosis.health import lease
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
        if explanation := _of_case_alone(case):
            return explanation
        situation = Situation(snapshot.of_queue(tx, queue, lease(settings), case.id), settings)
    if case.status is CaseStatus.CLAIMED:
        return _not_started(situation)
    return _not_claimed(situation, case)


def _of_case_alone(case: CaseSnapshot) -> Explanation | None:
    """The reasons that need no look at the queue."""
    match case.status:
        case CaseStatus.COMPLETED | CaseStatus.FAILED:
            why = f": {case.end_reason}" if case.end_reason else "."
            return Explanation(Reason.ENDED, f"The case {case.status} at {_time(case.completed_at)}{why}")
        case CaseStatus.NEEDS_INPUT:
            asked = f"Its run has waited for a person since {_time(case.requested_at)}: {case.request_title}"
            return Explanation(Reason.WAITING_FOR_ANSWER, asked)
        case CaseStatus.CLAIMED if case.run_status is RunStatus.RUNNING:
            return Explanation(Reason.RUNNING, "It is being worked on.")
    return None


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else "an unknown time"


def _not_started(situation: Situation) -> Explanation:
    cause = why_not_started(situation, situation.consumers)
    if cause and (cause.is_trouble or cause.reason in (Reason.NO_WORKER, Reason.SLOTS_LOST)):
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
