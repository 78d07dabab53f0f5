"""`tasks/get`, `tasks/update` and `tasks/cancel`, which the SDK leaves to extensions."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from mcp.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import METHOD_NOT_FOUND
from mcp_types.jsonrpc import MISSING_REQUIRED_CLIENT_CAPABILITY

from casework.errors import CaseworkError
from casework.mcp import failures
from casework.mcp.call import TASKS, Context, has_tasks, in_thread, speaks_modern
from casework.mcp.caller import Caller
from casework.mcp.tasks import TaskParams, Tasks, UpdateParams


class Host(Protocol):
    """The server, as these methods see it."""

    @property
    def caller(self) -> Caller: ...

    @property
    def tasks(self) -> Tasks: ...


def add(server: Server[Any], host: Host) -> None:
    """Add the methods to a server."""

    async def get(context: Context, params: TaskParams) -> dict[str, Any]:
        handle = host.tasks.read(host.caller, params.task_id)
        return await in_thread(host.tasks.shown, host.caller, context, handle)

    async def update(_: Context, params: UpdateParams) -> dict[str, Any]:
        await in_thread(host.tasks.updated, host.caller, params.task_id, params.input_responses)
        return {}

    async def cancel(_: Context, params: TaskParams) -> dict[str, Any]:
        await in_thread(host.tasks.cancelled, host.caller, params.task_id)
        return {}

    server.add_request_handler("tasks/get", TaskParams, _guarded(get))
    server.add_request_handler("tasks/update", UpdateParams, _guarded(update))
    server.add_request_handler("tasks/cancel", TaskParams, _guarded(cancel))


Handler = Callable[[Context, Any], Awaitable[dict[str, Any]]]


def _guarded(handle: Handler) -> Handler:
    async def guarded(context: Context, params: Any) -> dict[str, Any]:
        if not speaks_modern(context):
            raise MCPError(METHOD_NOT_FOUND, "Method not found", context.method)
        if not has_tasks(context):
            needed: dict[str, Any] = {"requiredCapabilities": {"extensions": {TASKS: {}}}}
            raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, f"The client did not declare {TASKS}.", needed)
        try:
            return await handle(context, params)
        except CaseworkError as error:
            raise failures.as_protocol_error(error) from None

    return guarded
