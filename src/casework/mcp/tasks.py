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
from casework.mcp.handles import Handle
from casework.mcp.progress import Ending
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
        _, events = cases.get(caller.db, caller.team, case_id)
        # An end that the case came to already is the task's: a fast agent may have been faster than this.
        before = [event.id for event in events if event.type not in progress.ENDINGS]
        found = self.shown(caller, context, Handle(case_id, before[-1]))
        seed = {name: value for name, value in found.items() if name not in ("result", "error", "inputRequests")}
        return {**seed, "resultType": "task"}

    def read(self, caller: Caller, task_id: str) -> Handle:
        return handles.read(self.secret, caller.identity, task_id)

    def shown(self, caller: Caller, context: Context, handle: Handle) -> dict[str, Any]:
        """The task as `tasks/get` shows it."""
        task = {"taskId": handles.task_id(self.secret, caller.identity, handle), "ttlMs": None}
        try:
            case, events = cases.get(caller.db, caller.team, handle.case_id)
        except NotFound:
            return {**task, **_deleted(handle.case_id)}
        task |= {"createdAt": _written(case.created_at), "lastUpdatedAt": _written(case.updated_at)}
        ending = progress.first_ending(case, events, handle.after)
        if ending:
            return {**task, **_ended(case, ending)}
        shared = {**task, "statusMessage": _why(caller, case), "pollIntervalMs": _poll(case)}
        asked = answers.answerable(caller, progress.asked_of(caller, case)) if can_ask(context) else []
        if asked:
            return {**shared, "status": "input_required", "inputRequests": answers.input_requests(asked)}
        # What the client cannot answer, somebody else will.
        return {**shared, "status": "working"}

    def updated(self, caller: Caller, task_id: str, given: InputResponses) -> None:
        """Answer what the case asks. Raises NotFound, Forbidden and InvalidInput."""
        case_id = self.read(caller, task_id).case_id
        if Right.ANSWER not in caller.rights:
            raise Forbidden("This key may not answer.")
        results = {key: one for key, one in given.items() if isinstance(one, types.ElicitResult)}
        answers.take(caller, progress.look(caller, case_id).asked, results)

    def cancelled(self, caller: Caller, task_id: str) -> None:
        """End the case, if it has not ended and the caller may do that; otherwise it goes on, as the protocol permits."""
        case_id, after = self.read(caller, task_id)
        try:
            case, events = cases.get(caller.db, caller.team, case_id)
        except NotFound:
            return
        if progress.first_ending(case, events, after) or Right.OPERATE not in caller.rights:
            return
        settings = caller.casework.settings
        caller.casework.perform(
            cases.settle(caller.db, settings, case.queue_id, [case_id], CaseStatus.FAILED, CANCELLED)
        )


def _ended(case: Case, ending: Ending) -> dict[str, Any]:
    if ending == Ending(CaseStatus.FAILED, CANCELLED):
        return {"status": "cancelled", "statusMessage": CANCELLED}
    result = ending.result(case).model_dump(by_alias=True, mode="json", exclude_none=True)
    return {
        "status": "completed",
        "statusMessage": cut(ending.reason) or f"The case {ending.status}.",
        "result": result,
    }


def _deleted(case_id: UUID) -> dict[str, Any]:
    gone, message = _written(_created_at(case_id)), "The case was deleted before it ended."
    error = {"code": INTERNAL_ERROR, "message": message}
    return {"status": "failed", "statusMessage": message, "createdAt": gone, "lastUpdatedAt": gone, "error": error}


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
