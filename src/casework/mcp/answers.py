"""Answers that come over the protocol: which requests a caller may answer, and storing what was filled in."""

from collections.abc import Mapping, Sequence
from typing import Any

import mcp_types as types
from mcp_types import ElicitRequestFormParams, ElicitResult

from casework.core.requests import HumanRequest
from casework.core.roles import Right
from casework.errors import AlreadyAnswered
from casework.mcp import forms
from casework.mcp.caller import Caller
from casework.service import requests


def answerable(caller: Caller, asked: Sequence[HumanRequest]) -> list[HumanRequest]:
    """Those that the caller may answer, and has not approved already where several must."""
    if Right.ANSWER not in caller.rights:
        return []
    actor = caller.db.actor
    return [
        one
        for one in asked
        if (not one.assignees or set(actor.names) & set(one.assignees)) and actor.shown not in one.approved_by
    ]


def forms_of(asked: Sequence[HumanRequest]) -> dict[str, ElicitRequestFormParams]:
    """The forms of requests by their ids, which no other request of the case ever has."""
    return {str(request.id): forms.form(request) for request in asked}


def input_requests(asked: Sequence[HumanRequest]) -> dict[str, Any]:
    """The forms as the protocol embeds them in a task."""
    return {
        key: types.ElicitRequest(params=form).model_dump(by_alias=True, mode="json", exclude_none=True)
        for key, form in forms_of(asked).items()
    }


def take(caller: Caller, asked: Sequence[HumanRequest], given: Mapping[str, ElicitResult]) -> None:
    """Store what a person filled in. What was declined stays open for others, and what somebody else answered meanwhile
    keeps that answer. Raises InvalidInput and Forbidden."""
    for request in asked:
        result = given.get(str(request.id))
        if result is None or result.action != "accept":
            continue
        answering = forms.given(request, result.content or {})
        try:
            caller.casework.perform(requests.answer(caller.db, caller.team, request.id, answering))
        except AlreadyAnswered:
            continue
