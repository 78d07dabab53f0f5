"""Why a queue stands still."""

from dataclasses import dataclass
from uuid import UUID

from casework.core.model import Queue, TeamId
from casework.service.diagnosis.causes import (
    HANGS,
    SOON,
    Cause,
    Reason,
    Situation,
    unstarted_since,
    why_held_back,
    why_nobody_takes,
    why_not_claimed,
    why_not_started,
)
from casework.service.queues import resolve
from casework.settings import Settings
from casework.store import limit_states, queues, snapshot
from casework.store.database import Database, Tx
from casework.store.snapshot import Waiting


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a queue stands still; no reason and no message if it moves."""

    queue: Queue
    reason: Reason | None = None
    message: str | None = None


def diagnose(db: Database, settings: Settings, team_id: TeamId) -> list[Diagnosis]:
    """Each queue of the team, as all of them are at one moment."""
    with db.snapshot() as tx:
        return [diagnose_within(tx, settings, queue) for queue in queues.find(tx, team_id)]


def diagnose_one(db: Database, settings: Settings, team_id: TeamId, ref: str | UUID) -> Diagnosis:
    """The queue with that name or id. Raises NotFound."""
    with db.snapshot() as tx:
        return diagnose_within(tx, settings, resolve(tx, team_id, ref))


def why_untaken(db: Database, settings: Settings, team_id: TeamId, queue_id: UUID) -> Cause | None:
    """Why no agent would take a case of the queue that is delegated to nobody; None if one would. Raises NotFound."""
    with db.snapshot() as tx:
        situation = Situation(snapshot.of_queue(tx, resolve(tx, team_id, queue_id), settings.worker_silence), settings)
        return why_nobody_takes(situation, Waiting(None, None, False, False, tx.now))


def diagnose_within(tx: Tx, settings: Settings, queue: Queue) -> Diagnosis:
    """A queue, inside an open snapshot."""
    situation = Situation(snapshot.of_queue(tx, queue, settings.worker_silence), settings)
    since, unstarted = unstarted_since(situation.consumers), why_not_started(situation, situation.consumers)
    if since and unstarted and unstarted.is_trouble:
        return _of(queue, f"runs were claimed {situation.seconds(since)} ago and have not started:", unstarted)
    for waiting in snapshot.waiting_in(tx, queue.id, situation.held.now - SOON):
        cause = why_not_claimed(situation, waiting)
        if cause.is_trouble:
            return _of(queue, f"cases have been ready for {situation.seconds(waiting.since)}, but", cause)
    held_back = limit_states.waited_for(tx, queue.id, situation.held.now - HANGS)
    if held_back and (limited := why_held_back(situation, held_back, situation.consumers)) and limited.is_trouble:
        return _of(queue, "cases wait, because", limited)
    return Diagnosis(queue)


def _of(queue: Queue, what: str, cause: Cause) -> Diagnosis:
    return Diagnosis(queue, cause.reason, f"{what} {cause.detail}")
