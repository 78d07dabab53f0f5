"""A case that waits for people goes on, because they answered or because they did not, or ends with its wait."""

from functools import partial
from typing import Any
from uuid import UUID

from casework.core.lifecycle import LIFECYCLE, Actor, CaseStatus, Event, Transition
from casework.core.model import CaseId
from casework.store.database import NOW, Tx
from casework.store.transitions.by_run import outcome_sql
from casework.store.transitions.clauses import change_to, guard, sets_of_case
from casework.store.transitions.fence import Fence

_expiry = partial(LIFECYCLE.transition, Event.EXPIRE, by=(Actor.SWEEP,))


def _goes_on_sql(move: Transition) -> str:
    return f"""
with moved as (
  update cases c set {sets_of_case(LIFECYCLE, move)}
  where id = %(case_id)s and human_request_id = %(waits_as)s and {guard(move)}
  returning id, run_id, run_agent_id
)
insert into case_events (case_id, type, created_at, run_id, agent_id, human_request_id, changes, by_key, by_person)
select id, '{move.records}', {NOW}, run_id, run_agent_id, %(answered)s::uuid, %(changes)s::json, %(by_key)s, %(by_person)s
from moved
"""


_ANSWER = _goes_on_sql(LIFECYCLE.transition(Event.ANSWER, by=(Actor.PERSON,)))
_GO_ON = _goes_on_sql(_expiry(CaseStatus.PENDING))
_FAIL = outcome_sql(LIFECYCLE, _expiry(CaseStatus.FAILED))
_LATER = f"{NOW} + make_interval(secs => %(seconds)s)"
_POSTPONE = outcome_sql(
    LIFECYCLE,
    _expiry(CaseStatus.POSTPONED),
    case={"ready_at": _LATER, "postponed_to": _LATER},
    changes=change_to(postponed_to=_LATER),
)


def answer(tx: Tx, case_id: CaseId, waits_as: UUID, answered: UUID, changes: str, *, expired: bool = False) -> bool:
    """The last open request that the case waits for was answered, or has `expired`: its run goes on before anything new is
    begun.

    `waits_as` is the request that the case names, the first of its group; `changes` is JSON.
    """
    values = {"case_id": case_id, "waits_as": waits_as, "answered": answered, "changes": changes}
    return tx.sql(_GO_ON if expired else _ANSWER, values).rowcount == 1


def expire(tx: Tx, fence: Fence, request_id: UUID, reason: str, *, postpone_seconds: float | None = None) -> bool:
    """Nobody answered in time: the case fails or, with `postpone_seconds`, comes back after them. Its run ends."""
    values: dict[str, Any] = {"request_id": request_id, "reason": reason, "seconds": postpone_seconds}
    statement = _FAIL if postpone_seconds is None else _POSTPONE
    return tx.sql(statement, {**values, **fence.parameters()}).rowcount == 1
