"""Requests to people as forms of the protocol, and what the person filled in as an answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import mcp_types as types
from mcp_types import ElicitRequestFormParams, ElicitResult

from casework.core.model import HumanRequest, RequestKind
from casework.core.payload import storable
from casework.errors import AlreadyAnswered, InvalidInput
from casework.mcp.bounds import cut
from casework.mcp.caller import Caller
from casework.service import requests

APPROVE, REJECT = "approve", "reject"


def form(request: HumanRequest) -> ElicitRequestFormParams:
    """The form of a request; its fields are those that `answer` reads."""
    about = f"{request.title}\n\n{cut(request.description)}" if request.description else request.title
    case = f"\n\n(case: {request.case_title})" if request.case_title else ""
    if request.kind is RequestKind.APPROVAL:
        field, schema = "decision", {"type": "string", "enum": [APPROVE, REJECT]}
    else:
        field, schema = "answer", {"type": "string", **({"enum": list(request.options)} if request.options else {})}
    return ElicitRequestFormParams(
        message=about + case,
        requested_schema={"type": "object", "properties": {field: schema}, "required": [field]},
    )


def forms(asked: Sequence[HumanRequest]) -> dict[str, ElicitRequestFormParams]:
    """The forms of requests by their ids, which no other request of the case ever has."""
    return {str(request.id): form(request) for request in asked}


def input_requests(asked: Sequence[HumanRequest]) -> dict[str, Any]:
    """The forms as the protocol embeds them in a task."""
    return {
        key: types.ElicitRequest(params=one).model_dump(by_alias=True, mode="json", exclude_none=True)
        for key, one in forms(asked).items()
    }


def take(caller: Caller, asked: Sequence[HumanRequest], given: Mapping[str, ElicitResult]) -> int:
    """Store what a person filled in, and return how many forms were. Those that were declined stay open for others, and those that
    somebody else answered meanwhile keep that answer. Raises InvalidInput."""
    taken = 0
    for request in asked:
        result = given.get(str(request.id))
        if result is None or result.action != "accept":
            continue
        try:
            answer(caller, request, dict(result.content or {}))
        except AlreadyAnswered:
            continue
        taken += 1
    return taken


def answer(caller: Caller, request: HumanRequest, content: dict[str, Any]) -> HumanRequest:
    """Answer a request with the fields of its form. Raises InvalidInput, and AlreadyAnswered."""
    casework, team, name = caller.casework, caller.team, caller.name
    if request.kind is RequestKind.APPROVAL:
        decision = content.get("decision")
        if decision not in (APPROVE, REJECT):
            raise InvalidInput(f"decision: it should be {APPROVE} or {REJECT}.")
        return casework.perform(requests.decide(casework.db, team, request.id, decision == APPROVE, by=name))
    value = content.get("answer")
    if not isinstance(value, str):
        raise InvalidInput(f"answer: give text as the answer to {storable(request.title)[:200]!r}.")
    return casework.perform(requests.answer(casework.db, team, request.id, value, by=name))
