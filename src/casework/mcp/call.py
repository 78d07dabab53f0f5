"""One call of a tool: who calls, what its client can do, and asking the person at the client."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import UUID

import anyio.to_thread
import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from casework.mcp.caller import Caller
from casework.mcp.waits import Waits

T = TypeVar("T")
Context = ServerRequestContext[Any, Any]

TASKS = "io.modelcontextprotocol/tasks"
"""The protocol's extension for work that outlasts a call."""


class Reply(Exception):
    """Ends a call with a result of the protocol in place of the tool's own: a request for input, a task, or a failure with
    content."""

    def __init__(self, result: types.InputRequiredResult | types.CallToolResult | dict[str, Any]) -> None:
        super().__init__(type(result).__name__)
        self.result = result


async def in_thread(act: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Call what waits for the database. A cancellation arrives when it has returned: nothing is half done."""
    return await anyio.to_thread.run_sync(partial(act, *arguments, **options))


def speaks_modern(context: Context) -> bool:
    """Whether the request is of a protocol without sessions, 2026-07-28 or newer."""
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS


def has_tasks(context: Context) -> bool:
    """Whether the client declared the extension for tasks with this request."""
    can = context.session.client_capabilities
    return speaks_modern(context) and can is not None and TASKS in (can.extensions or {})


def can_ask(context: Context) -> bool:
    """Whether the client shows forms to a person. One that names no mode means forms."""
    can = context.session.client_capabilities
    asks = can.elicitation if can else None
    if asks is None or (asks.url is not None and asks.form is None):
        return False
    return speaks_modern(context) or context.session.can_send_request


class Tasks(Protocol):
    """The tasks, as a call sees them."""

    def created(self, caller: Caller, context: Context, case_id: UUID) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Call:
    """A call, for tools that wait or ask."""

    caller: Caller
    context: Context
    params: types.CallToolRequestParams
    waits: Waits
    tasks: Tasks

    @property
    def can_ask(self) -> bool:
        return can_ask(self.context)

    @property
    def state(self) -> str | None:
        """What an earlier round of the call handed over to `ask`."""
        return self.params.request_state

    @property
    def answers(self) -> Mapping[str, types.ElicitResult]:
        """What the person answered in the round before, by the keys of the forms."""
        given = self.params.input_responses or {}
        return {key: one for key, one in given.items() if isinstance(one, types.ElicitResult)}

    async def begin_task(self, case_id: UUID) -> dict[str, Any]:
        """The result that says that the call goes on as a task."""
        return await in_thread(self.tasks.created, self.caller, self.context, case_id)

    async def ask(
        self, forms: Mapping[str, types.ElicitRequestFormParams], state: str
    ) -> dict[str, types.ElicitResult]:
        """Ask the person at the client.

        Since 2026-07-28 this ends the call with `Reply`; the client calls again, with `answers` and this state. Older
        clients are asked over the connection, and the answers are returned.
        """
        if speaks_modern(self.context):
            asked = {key: types.ElicitRequest(params=form) for key, form in forms.items()}
            raise Reply(types.InputRequiredResult(input_requests=dict(asked), request_state=state))
        found, session = {}, self.context.session
        for key, form in forms.items():
            try:
                found[key] = await session.elicit_form(form.message, form.requested_schema, self.context.request_id)
            except MCPError:
                # A client that cannot after all: the question waits for somebody else, and the call goes on.
                found[key] = types.ElicitResult(action="cancel")
        return found
