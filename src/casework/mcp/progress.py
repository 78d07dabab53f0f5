"""How far a case has come, for whoever waits for its outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import mcp_types as types
from pydantic import BaseModel, Field

from casework.core.lifecycle import LIFECYCLE, CaseStatus
from casework.core.model import Case, CaseEvent
from casework.core.requests import HumanRequest
from casework.errors import NotFound
from casework.mcp.bounds import WithData, as_json, cut, piece
from casework.mcp.caller import Caller
from casework.service import cases, requests
from casework.service.diagnosis.case import explain

ENDED = (CaseStatus.COMPLETED, CaseStatus.FAILED)
ENDINGS = {move.records for move in LIFECYCLE.transitions if move.target in ENDED}
"""The events with which a case ends."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A case at one moment."""

    case: Case
    asked: list[HumanRequest]
    """What waits for a person."""

    @property
    def ended(self) -> bool:
        return self.case.status in ENDED


def look(caller: Caller, case_id: UUID) -> Progress:
    """Raises NotFound if the case was deleted."""
    found = cases.get_many(caller.db, [case_id])
    if not found:
        raise NotFound("case", case_id, " It was deleted before it ended.")
    (case,) = found
    return Progress(case, asked_of(caller, case))


def asked_of(caller: Caller, case: Case) -> list[HumanRequest]:
    """What waits for a person in a case."""
    waits_for = case.pending_human_request_id
    return requests.find(caller.db, caller.team, group_id=waits_for) if waits_for else []


class Outcome(WithData):
    case_id: UUID
    status: CaseStatus
    message: str = Field(description="How it ended, or why it has not ended and how to follow it.")


def outcome(caller: Caller, case: Case) -> Outcome:
    """The case as its outcome, or how far it is."""
    why = explain(caller.db, caller.casework.settings, caller.team, case.id).message
    if case.status in ENDED:
        reason = cases.end_reasons(caller.db, [case.id]).get(case.id)
        return Outcome(case_id=case.id, status=case.status, message=cut(reason) or why, **piece(case.data))
    message = f"{why} Call get_case with this case_id later to see how it ends."
    return Outcome(case_id=case.id, status=case.status, message=message)


def result(model: BaseModel, *, failed: bool = False) -> types.CallToolResult:
    """A tool's result, as JSON in its text too, for clients that show a model only that."""
    content: dict[str, Any] = model.model_dump(mode="json", exclude_none=True)
    text = types.TextContent(type="text", text=as_json(content))
    return types.CallToolResult(content=[text], structured_content=content, is_error=failed)


def final(caller: Caller, case: Case) -> types.CallToolResult:
    """The result of a case that has ended; a failed one is a tool's error."""
    return result(outcome(caller, case), failed=case.status is CaseStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a case ended."""

    status: CaseStatus
    reason: str | None

    def result(self, case: Case) -> types.CallToolResult:
        """The result for whom this is the end, whatever became of the case since."""
        message = cut(self.reason) or f"The case {self.status}."
        ended = Outcome(case_id=case.id, status=self.status, message=message, **piece(case.data))
        return result(ended, failed=self.status is CaseStatus.FAILED)


def first_ending(case: Case, events: Sequence[CaseEvent], after: int) -> Ending | None:
    """How the case ended first since that event; None if it has not. A person may have set it to work again since."""
    reason = None
    for event in events:
        former = next((one.get("old") for one in event.changes or () if one.get("field") == "status"), None)
        if event.id > after and former in ENDED:
            return Ending(CaseStatus(former), reason)
        if event.type in ENDINGS:
            reason = event.reason
    return Ending(case.status, reason) if case.status in ENDED else None
