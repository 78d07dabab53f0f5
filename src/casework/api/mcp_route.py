"""`/mcp`: the tools for models, if the extra `casework[mcp]` is installed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from casework.api.auth import identify
from casework.api.errors import answer
from casework.settings import Settings
from casework.wiring import Casework

if TYPE_CHECKING:
    from casework.mcp.caller import Caller

PATH = "/mcp"


def is_installed() -> bool:
    return find_spec("mcp") is not None


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """What the application does from its start to its end."""
    if not is_installed():
        yield
        return
    async with app.state.mcp.transport.running():
        yield


def add(app: FastAPI, casework: Casework) -> None:
    """Serve the tools under /mcp."""
    if not is_installed():
        return
    app.state.mcp = endpoint = McpEndpoint(app, casework)
    # Both, because a redirect from one to the other would not know the prefix that a proxy took off.
    app.router.routes += [Route(PATH, endpoint), Route(f"{PATH}/", endpoint)]


class McpEndpoint:
    """Plain ASGI, so that an answer may be a stream. Who sends a request is known before its body is read."""

    def __init__(self, app: FastAPI, casework: Casework) -> None:
        from casework.mcp.http import Transport

        settings = casework.settings
        self._origins = allowed_origins(settings)
        self.transport = Transport(casework, settings.api_waiting_claims, lambda: app.state.waiting.ending())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        origin = request.headers.get("origin")
        if origin is not None and not {origin, "*"} & self._origins:
            message = "Pages of this origin may not call the API: CASEWORK_CORS_ORIGINS names those that may."
            await answer(403, "forbidden", message)(scope, receive, send)
            return
        if request.method != "POST":
            message = f"{request.method} is not possible at {PATH}; possible: POST."
            await answer(405, "method_not_allowed", message, headers={"allow": "POST"})(scope, receive, send)
            return
        caller = await run_in_threadpool(_caller, request)
        await self.transport.handle(caller, scope, receive, send)


def allowed_origins(settings: Settings) -> set[str]:
    """The origins whose pages may call the API."""
    return {origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()}


def _caller(request: Request) -> "Caller":
    from casework.mcp.caller import of_key

    found, state = identify(request), request.app.state
    return of_key(
        found.casework,
        found.key,
        person=found.person,
        reads=state.reads,
        counts=state.counts,
        turn=lambda: state.read_share.slot(found.key.id),
    )
