"""Requests to people: what runs ask, and the answers."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from casework.core import changes
from casework.core.effects import Committed, Effects, to_claim
from casework.core.lifecycle import EventType
from casework.core.model import QueueId, RequestKind, TeamId
from casework.core.requests import Answer, Answering, Decision, HumanRequest, answer_to
from casework.errors import AlreadyAnswered, Forbidden, NotFound
from casework.store import cases, transitions
from casework.store import requests as store
from casework.store.database import Actor, Database, Tx

SHOWN_OF_ANSWER = 200


def find(
    db: Database,
    team_id: TeamId,
    *,
    open_only: bool = True,
    queue_id: QueueId | None = None,
    kind: RequestKind | None = None,
    assignees: Sequence[str] | None = None,
    group_id: UUID | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[HumanRequest]:
    """Requests, the oldest first. `assignees`: those that are assigned to one of these names; `group_id`: those of one wait,
    by the id of its first request."""
    with db.begin() as tx:
        return store.find(
            tx,
            team_id,
            open_only=open_only,
            queue_id=queue_id,
            kind=kind,
            assignees=assignees,
            group_id=group_id,
            limit=limit,
            offset=offset,
        )


def get(db: Database, team_id: TeamId, request_id: UUID) -> HumanRequest:
    """The request with that id. Raises NotFound."""
    with db.begin() as tx:
        request = store.get(tx, team_id, request_id)
    if request is None:
        raise NotFound("request", request_id)
    return request


def answer(
    db: Database,
    team_id: TeamId,
    request_id: UUID,
    given: Answering | str,
    *,
    by: str | None = None,
    person: str | None = None,
) -> Committed[HumanRequest]:
    """Answer a request. When all of its wait are answered, the run goes on. A text responds with it.

    `by` is the name of the key with which it is done, and `person` who does it; without them, it is who `db` acts for.
    A request that several must approve stays open until enough have. Raises NotFound, InvalidInput, Forbidden if others are
    assigned to it, and AlreadyAnswered, which says what the first answer was; also if its time is over.
    """
    if by is not None or person is not None:
        db = db.acting_for(key=by or db.actor.key, person=person or db.actor.person)
    given = Answering(value=given) if isinstance(given, str) else given
    request = get(db, team_id, request_id)
    _check_open(request, None)
    _check_assigned(request, db.actor)
    # Before anything is locked: it may take its time.
    fitting = replace(answer_to(request, given), by=db.actor.shown)
    with db.begin() as tx:
        moved_in = _answer_within(tx, team_id, request, fitting)
        answered = store.get(tx, team_id, request_id)
        assert answered is not None
    return Committed(answered, to_claim(moved_in, 1) if moved_in else Effects())


def decide(
    db: Database, team_id: TeamId, request_id: UUID, approved: bool, *, by: str | None = None, person: str | None = None
) -> Committed[HumanRequest]:
    """Approve or reject; see `answer`."""
    decision = Decision.APPROVE if approved else Decision.REJECT
    return answer(db, team_id, request_id, Answering(decision=decision), by=by, person=person)


def _answer_within(tx: Tx, team_id: TeamId, request: HumanRequest, given: Answer) -> QueueId | None:
    """Store the answer of a request, and move its case if nothing else is waited for. Returns the queue in which it moved."""
    locked = cases.lock(tx, [request.case_id])
    now = store.get(tx, team_id, request.id)
    if now is None:
        raise AlreadyAnswered("The request's case was deleted.")
    _check_open(now, tx)
    if given.decision is Decision.APPROVE and now.approvals_needed > 1 and not _is_enough(tx, now, given):
        return None
    if not store.answer(tx, now.id, given):
        raise AlreadyAnswered
    return QueueId(locked[0].queue_id) if go_on(tx, now, given) else None


def _is_enough(tx: Tx, request: HumanRequest, given: Answer) -> bool:
    """Count an approval. Whether there are enough now."""
    count = store.vote(tx, request.id, _voter(tx.actor), given.message)
    if count is None:
        raise AlreadyAnswered(
            f"{given.by or 'You'} approved this before; it has {len(request.approved_by)} of {request.approvals_needed} approvals."
        )
    if count >= request.approvals_needed:
        return True
    counted = {"field": "approvals", "old": count - 1, "new": count}
    store.record(tx, request, EventType.INPUT_APPROVED, [counted, *changes.of_message(given)])
    return False


def _voter(actor: Actor) -> str:
    """Who counts as one: a person, whichever key is used; a key, if no person is named."""
    return f"person {actor.person}" if actor.person else f"key {actor.key}"


def go_on(tx: Tx, request: HumanRequest, given: Answer, *, expired: bool = False) -> bool:
    """The answer of a locked request is stored, given by people or, if it `expired`, by the system: write that down, and move
    its case if nothing else is waited for. Whether it moved."""
    found = changes.of_answer(request, given)
    if store.is_open(tx, request.waits_as):
        store.record(tx, request, EventType.INPUT_EXPIRED if expired else EventType.INPUT_RECEIVED, found)
        return False
    written = json.dumps(found, ensure_ascii=False)
    if not transitions.answer(tx, request.case_id, request.waits_as, request.id, written, expired=expired):
        raise AlreadyAnswered("The request's case does not wait for it any more.")
    return True


def _check_assigned(request: HumanRequest, actor: Actor) -> None:
    if request.assignees and not set(actor.names) & set(request.assignees):
        raise Forbidden(f"The request is for {', '.join(request.assignees)}, and nobody else answers it.")


def _check_open(request: HumanRequest, tx: Tx | None) -> None:
    """Raise AlreadyAnswered for a request that is answered or cancelled, or, within a transaction, whose time is over."""
    if request.status != "pending":
        raise AlreadyAnswered(f"The request {told(request)}.")
    if tx is not None and request.has_expired(tx.now):
        raise AlreadyAnswered("The time for an answer to the request is over.")


def told(request: HumanRequest) -> str:
    """What became of a request that is not open, as the end of a sentence."""
    if request.decision is Decision.EXPIRED:
        return "expired without an answer"
    if request.status == "cancelled":
        return "is cancelled already: its case was taken from the run"
    words = {
        Decision.APPROVE: "was approved",
        Decision.EDIT: "was approved with other arguments",
        Decision.REJECT: "was rejected",
    }
    said = words.get(request.decision or Decision.RESPOND) or f"was answered with {_shown(request.answer)}"
    message = f", with the message {_shown(request.message)}" if request.message else ""
    who = f" by {request.responded_by}" if request.responded_by else ""
    return f"is answered already: it {said}{who}{message}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_OF_ANSWER else f"{text[:SHOWN_OF_ANSWER]}..."
