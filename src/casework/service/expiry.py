"""Requests whose time is over, and those of which people are reminded.

Each is looked at again under the lock of its case, as an answer is given: an answer that came first counts, and of several
sweeps one brings it on.
"""

from collections.abc import Sequence

from casework import events
from casework.core.lifecycle import EventType
from casework.core.model import CaseId, RunId
from casework.core.requests import HumanRequest, OnExpiry, default_answer, expiry_reason, no_answer
from casework.service.requests import go_on
from casework.store import cases, requests, transitions
from casework.store.database import Database, Tx
from casework.store.requests import Due
from casework.store.transitions import Fence


def bring_on(db: Database, due: Sequence[Due]) -> bool:
    """Do what is due of each request. Whether a case may go on now."""
    moved = False
    for one in due:
        with db.begin() as tx:
            done = _bring_on(tx, one)
        if done is EventType.INPUT_EXPIRED:
            moved = True
            events.emit(events.RequestExpired(one.request_id, one.case_id))
        elif done:
            events.emit(events.RequestReminded(one.request_id, one.case_id))
    return moved


def _bring_on(tx: Tx, due: Due) -> EventType | None:
    held = cases.lock(tx, [due.case_id])
    request = requests.locked(tx, due.request_id) if held else None
    if request is None or request.status != "pending":
        return None
    if request.has_expired(tx.now):
        _expire(tx, request, Fence(CaseId(due.case_id), RunId(request.run_id), held[0].attempt))
        return EventType.INPUT_EXPIRED
    if request.remind_at is None or request.remind_at > tx.now:
        return None
    requests.mark_reminded(tx, request.id)
    requests.record(tx, request, EventType.INPUT_REMINDED, reason=request.title)
    return EventType.INPUT_REMINDED


def _expire(tx: Tx, request: HumanRequest, fence: Fence) -> None:
    if request.on_expiry in (OnExpiry.DEFAULT, OnExpiry.CONTINUE):
        default = request.on_expiry is OnExpiry.DEFAULT
        given = default_answer(request, request.default) if default else no_answer()
        requests.answer(tx, request.id, given)
        go_on(tx, request, given, expired=True)
        return
    requests.expire(tx, request.id)
    requests.record(tx, request, EventType.INPUT_EXPIRED)
    requests.cancel_of_cases(tx, [request.case_id])
    seconds = request.postpone_seconds if request.on_expiry is OnExpiry.POSTPONE else None
    transitions.expire(tx, fence, request.id, expiry_reason(request), postpone_seconds=seconds)
