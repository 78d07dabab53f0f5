"""Human requests: questions and approvals, and their answers."""

from typing import Any
from uuid import UUID

from casework.core.effects import Committed, Effects
from casework.core.model import HumanRequest, QueueId, RequestKind, TeamId
from casework.core.payload import check_text
from casework.errors import AlreadyAnswered, InvalidInput, NotFound
from casework.store import cases, transitions
from casework.store import requests as store
from casework.store.database import Database


def find(
    db: Database,
    team_id: TeamId,
    *,
    open_only: bool = True,
    queue_id: QueueId | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[HumanRequest]:
    """Requests, the oldest first."""
    with db.begin() as tx:
        return store.find(tx, team_id, open_only=open_only, queue_id=queue_id, limit=limit, offset=offset)


def get(db: Database, team_id: TeamId, request_id: UUID) -> HumanRequest:
    """The request with that id. Raises NotFound."""
    with db.begin() as tx:
        request = store.get(tx, team_id, request_id)
    if request is None:
        raise NotFound("request", request_id)
    return request


def answer(
    db: Database, team_id: TeamId, request_id: UUID, value: str, *, by: str | None = None
) -> Committed[HumanRequest]:
    """Answer a question; its run goes on. `by` says who answers. Raises NotFound, InvalidInput for an approval, AlreadyAnswered."""
    check_text("answer", value)
    options = get(db, team_id, request_id).options
    if options and value not in options:
        raise InvalidInput(f"The answer must be one of {', '.join(map(repr, options))}.")
    return _respond(db, team_id, request_id, RequestKind.QUESTION, value, by)


def decide(
    db: Database, team_id: TeamId, request_id: UUID, approved: bool, *, by: str | None = None
) -> Committed[HumanRequest]:
    """Approve or deny; the run goes on. `by` says who decides. Raises NotFound, InvalidInput for a question, AlreadyAnswered."""
    return _respond(db, team_id, request_id, RequestKind.APPROVAL, approved, by)


def _respond(
    db: Database, team_id: TeamId, request_id: UUID, kind: RequestKind, value: Any, by: str | None
) -> Committed[HumanRequest]:
    with db.begin() as tx:
        request = store.get(tx, team_id, request_id)
        if request is None:
            raise NotFound("request", request_id)
        if request.kind is not kind:
            wanted = "text as its answer" if request.kind is RequestKind.QUESTION else "to be approved or denied"
            raise InvalidInput(f"The request needs {wanted}: its kind is {request.kind}.")
        cases.lock(tx, [request.case_id])
        if not (store.answer(tx, request.id, value, by) and transitions.answer(tx, request.case_id, request.id)):
            now = store.get(tx, team_id, request_id)
            raise AlreadyAnswered(f"The request is {now.status} already." if now else None)
        answered = store.get(tx, team_id, request_id)
        assert answered is not None
    return Committed(answered, Effects(nudge=True))
