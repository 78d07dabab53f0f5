"""Clients that can do more than call: show forms, and follow tasks."""

from collections.abc import Callable
from typing import Any, Literal

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.client.extension import ClientExtension, ResultClaim
from pydantic import ConfigDict

from factories import work_all

TASKS = "io.modelcontextprotocol/tasks"


class TaskCreated(types.Result):
    """The result of a call that goes on as a task."""

    model_config = ConfigDict(extra="allow")

    result_type: Literal["task"] = "task"


class Found(types.Result):
    model_config = ConfigDict(extra="allow")


class TaskParams(types.RequestParams):
    task_id: str
    input_responses: dict[str, Any] | None = None


class TaskRequest(types.Request[TaskParams, str]):
    name_param = "taskId"


class Follows(ClientExtension):
    """Knows tasks, and leaves them to the test."""

    identifier = TASKS

    def claims(self) -> list[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=TaskCreated, resolve=_never)]


async def _never(*_: Any) -> Any:
    raise AssertionError("the test follows tasks itself")


FOLLOWS = {"extensions": [Follows()]}


def fills_in(*answers: dict[str, Any] | None, seen: list[str] | None = None) -> Callable[..., Any]:
    """A person at the client who fills in these answers, one after the other; None declines."""
    left = list(answers)

    async def fill_in(_: Any, params: types.ElicitRequestFormParams) -> types.ElicitResult:
        if seen is not None:
            seen.append(params.message)
        content = left.pop(0)
        return (
            types.ElicitResult(action="decline")
            if content is None
            else types.ElicitResult(action="accept", content=content)
        )

    return fill_in


async def begin(client: Any, **arguments: Any) -> dict[str, Any]:
    """Call work_case, and return its task."""
    result = await client.session.call_tool("work_case", arguments, allow_claimed=True)
    assert isinstance(result, TaskCreated), result
    return result.model_dump(by_alias=True)


async def task(client: Any, method: str, task_id: str, responses: dict[str, Any] | None = None) -> dict[str, Any]:
    """One of the methods about tasks; returns its result."""
    params = TaskParams(task_id=task_id, input_responses=responses)
    result = await client.session.send_request(TaskRequest(method=f"tasks/{method}", params=params), Found)
    return result.model_dump(by_alias=True)


async def until(client: Any, task_id: str, status: str) -> dict[str, Any]:
    """The task once it has that status."""
    while True:
        found = await task(client, "get", task_id)
        if found["status"] == status:
            return found
        await anyio.sleep(0.05)


async def work(models):
    """Let the agents of this process work until nothing is ready."""
    return await anyio.to_thread.run_sync(work_all, models.db)
