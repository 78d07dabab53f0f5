"""Adding a case and waiting for its outcome."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated
from uuid import UUID

from mcp_types import ElicitResult
from pydantic import Field

from casework.core.lifecycle import CaseStatus
from casework.core.model import Priority
from casework.core.requests import HumanRequest
from casework.core.roles import Right
from casework.errors import CaseworkError
from casework.mcp import answers, failures, progress, shapes
from casework.mcp.call import Call, Reply, has_tasks, in_thread
from casework.mcp.caller import Caller
from casework.mcp.progress import Outcome, Progress
from casework.mcp.tool import tool
from casework.service import cases, queues


@tool(Right.ADD, Right.READ, open_world=True)
async def work_case(
    call: Call,
    queue: shapes.QueueRef,
    title: shapes.Title,
    data: shapes.Data = "",
    labels: shapes.Labels | None = None,
    priority: Priority = Priority.NONE,
    key: shapes.Key | None = None,
    wait_seconds: Annotated[
        int, Field(ge=0, le=50, description="How long to wait for the outcome, if the client does not know tasks.")
    ] = 25,
) -> Outcome:
    """Add a case to a queue and wait for its outcome, which an agent of the queue brings about. Takes seconds or days: with a client
    that knows tasks it becomes one; with others, what has not ended in time is followed with get_case."""
    caller = call.caller
    if call.state is None:
        new = shapes.NewCase(title=title, data=data, labels=labels, priority=priority, key=key)
        case_id = await in_thread(_add, caller, queue, new)
    else:
        case_id = UUID(call.state)
    if has_tasks(call.context):
        raise Reply(await call.begin_task(case_id))
    try:
        return await _wait(call, case_id, wait_seconds)
    except CaseworkError as error:
        # The case is there, and a caller that calls again would add another one.
        line = f"{failures.in_one_line(error)} The case {case_id} was added and is not lost: get_case shows it."
        raise Reply(failures.as_result(line)) from None


def _add(caller: Caller, queue: str, new: shapes.NewCase) -> UUID:
    found = queues.get(caller.db, caller.team, queue)
    done = caller.casework.perform(cases.create_and_get(caller.db, found.id, [new.made()]))
    return done.cases[0].id


async def _wait(call: Call, case_id: UUID, seconds: int) -> Outcome:
    caller, given = call.caller, call.answers
    now = await in_thread(progress.look, caller, case_id)
    await in_thread(answers.take, caller, now.asked, given)
    unwanted = _not_given(given)
    while True:
        if not call.waits.has_room(caller.identity):
            return await in_thread(progress.outcome, caller, now.case)
        news = partial(_news, caller, case_id, unwanted if call.can_ask else None)
        found = await call.waits.until(caller.identity, news, seconds)
        if found is None:
            now = await in_thread(progress.look, caller, case_id)
            return await in_thread(progress.outcome, caller, now.case)
        if found.ended:
            return await _ended(caller, found)
        wanted = answers.forms_of(_wanted(caller, found, unwanted))
        now = found
        given = await call.ask(wanted, str(case_id))
        await in_thread(answers.take, caller, found.asked, given)
        unwanted |= _not_given(given)


def _not_given(given: Mapping[str, ElicitResult]) -> set[str]:
    """What the person did not want to answer here; it waits for others."""
    return {key for key, result in given.items() if result.action != "accept"}


def _news(caller: Caller, case_id: UUID, unwanted: set[str] | None) -> Progress | None:
    """The case, once it has ended or asks what the person at the client may want to answer."""
    now = progress.look(caller, case_id)
    asks = unwanted is not None and _wanted(caller, now, unwanted)
    return now if now.ended or asks else None


def _wanted(caller: Caller, now: Progress, unwanted: set[str]) -> list[HumanRequest]:
    return [one for one in answers.answerable(caller, now.asked) if str(one.id) not in unwanted]


async def _ended(caller: Caller, found: Progress) -> Outcome:
    if found.case.status is CaseStatus.FAILED:
        raise Reply(await in_thread(progress.final, caller, found.case))
    return await in_thread(progress.outcome, caller, found.case)


TOOLS = (work_case,)
