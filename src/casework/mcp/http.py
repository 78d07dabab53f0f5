"""The server behind `/mcp` of the API: streamable HTTP without sessions, so that any process answers any request."""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from casework.mcp.call import Context
from casework.mcp.caller import Caller
from casework.mcp.server import McpServer
from casework.mcp.waits import Waits
from casework.wiring import Casework

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_CALLER = "casework.mcp.caller"


async def _identify(context: Context) -> Caller:
    assert context.request is not None
    found: Caller = context.request.scope[_CALLER]
    return found


class Transport:
    """An ASGI application for requests whose sender is known."""

    def __init__(self, casework: Casework, most_waits: int, ending: Callable[[], bool]) -> None:
        self._server = McpServer(casework.db, _identify, Waits(most_waits, ending))
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve within this block. Each needs a manager of its own: one can be run only once."""
        before, self._manager = self._manager, StreamableHTTPSessionManager(self._server.sdk, stateless=True)
        try:
            async with self._manager.run():
                yield
        finally:
            self._manager = before

    async def handle(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._manager is not None, "the application has not started"
        await self._manager.handle_request({**scope, _CALLER: caller}, receive, send)
