"""Answering what runs ask people."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from casework.core.model import HumanRequest
from casework.core.roles import Right
from casework.errors import AlreadyAnswered, Conflict, InvalidInput
from casework.mcp import answers, shapes
from casework.mcp.call import Call, in_thread
from casework.mcp.tool import tool
from casework.service import requests


@tool(Right.OPERATE, destroys=True)
async def answer_request(
    call: Call,
    request_id: Annotated[UUID, Field(description="Id of a request.")],
    decision: Annotated[Literal["approve", "reject"], Field(description="For an approval.")] | None = None,
    answer: Annotated[str, Field(max_length=100_000, description="For a question.")] | None = None,
) -> shapes.Request:
    """Answer a question or decide an approval, once; its run goes on. Without decision and answer, the person at the client is
    asked: leave both out unless the person told you what to answer."""
    caller = call.caller
    request = await in_thread(requests.get, caller.db, caller.team, request_id)
    given = {name: value for name, value in (("decision", decision), ("answer", answer)) if value is not None}
    if given:
        return shapes.request_of(await in_thread(answers.answer, caller, request, given))
    return shapes.request_of(await _asked(call, request))


async def _asked(call: Call, request: HumanRequest) -> HumanRequest:
    if request.status != "pending":
        raise AlreadyAnswered(f"The request is {request.status} already.")
    given = call.answers
    if call.state is None:
        if not call.can_ask:
            raise InvalidInput(
                "Give decision for an approval, or answer for a question: this client cannot ask its person."
            )
        given = await call.ask(answers.forms([request]), str(request.id))
    await in_thread(answers.take, call.caller, [request], given)
    now = await in_thread(requests.get, call.caller.db, call.caller.team, request.id)
    if now.status == "pending":
        raise Conflict("The person at the client gave no answer; the request still waits for one.")
    return now


TOOLS = (answer_request,)
