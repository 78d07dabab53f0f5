"""The protocol's extension for tasks, in which a task is a case: its states follow from the case's, so nothing else is stored."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import mcp_types as types
from mcp_types import INTERNAL_ERROR, InputResponses
from pydantic import Field

from casework.core.lifecycle import CaseStatus
from casework.core.model import Case
from casework.core.roles import Right
from casework.errors import Forbidden, NotFound
from casework.mcp import answers, handles, progress
from casework.mcp.bounds import cut
from casework.mcp.call import Context, can_ask
from casework.mcp.caller import Caller
from casework.service import cases
from casework.service.diagnosis.case import explain

CANCELLED = "cancelled by its MCP client"
"""The reason of a case that a client cancelled. Such a case has failed; its task is cancelled."""

_POLL_MS = ((60, 1_000), (3_600, 5_000), (float("inf"), 30_000))
"""How often to look at a case up to an age in seconds: one that waits for days is not in a hurry."""


class TaskParams(types.RequestParams):
    task_id: str = Field(max_length=200)


class UpdateParams(TaskParams):
    input_responses: InputResponses


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of an installation."""

    secret: bytes

    def created(self, caller: Caller, context: Context, case_id: UUID) -> dict[str, Any]:
        """The result of a call that goes on as a task. The case is committed, so `tasks/get` finds it from now on."""
        found = self.shown(caller, context, case_id)
        seed = {name: value for name, value in found.items() if name not in ("result", "error", "inputRequests")}
        return {**seed, "resultType": "task"}

    def case_of(self, caller: Caller, task_id: str) -> UUID:
        return handles.case_of(self.secret, caller.identity, task_id)

    def shown(self, caller: Caller, context: Context, case_id: UUID) -> dict[str, Any]:
        """The task as `tasks/get` shows it."""
        task = {"taskId": handles.task_id(self.secret, caller.identity, case_id), "ttlMs": None}
        try:
            now = progress.look(caller, case_id)
        except NotFound as error:
            gone = _written(_created_at(case_id))
            return {
                **task,
                "status": "failed",
                "statusMessage": str(error),
                "createdAt": gone,
                "lastUpdatedAt": gone,
                "error": {"code": INTERNAL_ERROR, "message": str(error)},
            }
        case = now.case
        task |= {"createdAt": _written(case.created_at), "lastUpdatedAt": _written(case.updated_at)}
        if now.ended:
            return {**task, **_ended(caller, case)}
        shared = {**task, "statusMessage": _why(caller, case), "pollIntervalMs": _poll(case)}
        asked = answers.answerable(caller, now.asked) if can_ask(context) else []
        if asked:
            return {**shared, "status": "input_required", "inputRequests": answers.input_requests(asked)}
        # What the client cannot answer, somebody else will.
        return {**shared, "status": "working"}

    def updated(self, caller: Caller, task_id: str, given: InputResponses) -> None:
        """Answer what the case asks. Raises NotFound, Forbidden and InvalidInput."""
        case_id = self.case_of(caller, task_id)
        if Right.ANSWER not in caller.rights:
            raise Forbidden("This key may not answer.")
        results = {key: one for key, one in given.items() if isinstance(one, types.ElicitResult)}
        answers.take(caller, progress.look(caller, case_id).asked, results)

    def cancelled(self, caller: Caller, task_id: str) -> None:
        """End the case, if it has not ended and the caller may do that; otherwise it goes on, as the protocol permits."""
        case_id = self.case_of(caller, task_id)
        try:
            case = progress.look(caller, case_id).case
        except NotFound:
            return
        if case.status in progress.ENDED or Right.OPERATE not in caller.rights:
            return
        settings = caller.casework.settings
        caller.casework.perform(
            cases.settle(caller.db, settings, case.queue_id, [case_id], CaseStatus.FAILED, CANCELLED)
        )


def _ended(caller: Caller, case: Case) -> dict[str, Any]:
    reason = cases.end_reasons(caller.db, [case.id]).get(case.id)
    if case.status is CaseStatus.FAILED and reason == CANCELLED:
        return {"status": "cancelled", "statusMessage": CANCELLED}
    result = progress.final(caller, case).model_dump(by_alias=True, mode="json", exclude_none=True)
    return {"status": "completed", "statusMessage": cut(reason) or f"The case {case.status}.", "result": result}


def _why(caller: Caller, case: Case) -> str:
    return explain(caller.db, caller.casework.settings, caller.team, case.id).message


def _poll(case: Case) -> int:
    age = (datetime.now(UTC) - case.created_at).total_seconds()
    return next(milliseconds for most, milliseconds in _POLL_MS if age < most)


def _created_at(case_id: UUID) -> datetime:
    """When a case that is gone was created, from its time-ordered id."""
    return datetime.fromtimestamp((case_id.int >> 80) / 1000, UTC)


def _written(moment: datetime) -> str:
    return moment.isoformat()
