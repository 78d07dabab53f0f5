"""Answering what runs ask people."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from casework.core.requests import Answering, Decision, HumanRequest
from casework.core.roles import Right
from casework.core.unset import UNSET
from casework.errors import AlreadyAnswered, Conflict, InvalidInput
from casework.mcp import answers, shapes
from casework.mcp.call import Call, in_thread
from casework.mcp.caller import Caller
from casework.mcp.tool import tool
from casework.service import requests


@tool(Right.ANSWER, destroys=True)
async def answer_request(
    call: Call,
    request_id: Annotated[UUID, Field(description="Id of a request.")],
    decision: Annotated[
        Literal["approve", "edit", "reject", "respond"], Field(description="One of those that the request permits.")
    ]
    | None = None,
    value: Annotated[Any, Field(description="For respond: text, or what the request's schema demands.")] = UNSET,
    arguments: Annotated[dict[str, Any], Field(description="For edit: all arguments of the action.")] | None = None,
    message: Annotated[str, Field(max_length=10_000, description="What the agent should know.")] | None = None,
) -> shapes.Request:
    """Answer what a run asks, once; the run goes on. Without decision, value and arguments, the person at the client is asked: leave
    them out unless the person told you what to answer."""
    caller = call.caller
    request = await in_thread(requests.get, caller.db, caller.team, request_id)
    if decision is None and value is UNSET and arguments is None:
        return shapes.request_of(await _asked(call, request))
    chosen = Decision(decision) if decision else None
    given = Answering(decision=chosen, value=value, arguments=arguments, message=message)
    return shapes.request_of(await in_thread(_answer, caller, request, given))


def _answer(caller: Caller, request: HumanRequest, given: Answering) -> HumanRequest:
    return caller.casework.perform(requests.answer(caller.db, caller.team, request.id, given))


async def _asked(call: Call, request: HumanRequest) -> HumanRequest:
    if request.status != "pending":
        raise AlreadyAnswered(f"The request {requests.told(request)}.")
    given = call.answers
    if call.state is None:
        if not call.can_ask:
            permitted = ", ".join(request.decisions)
            raise InvalidInput(f"Give a decision ({permitted}): this client cannot ask its person.")
        given = await call.ask(answers.forms_of([request]), str(request.id))
    await in_thread(answers.take, call.caller, [request], given)
    now = await in_thread(requests.get, call.caller.db, call.caller.team, request.id)
    if now.status == "pending" and now.approved_by == request.approved_by:
        raise Conflict("The person at the client gave no answer; the request still waits for one.")
    return now


TOOLS = (answer_request,)
