"""What every request gets: an id, a limit of its size, a line in the log."""

import logging
import re
from time import perf_counter
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casework import log
from casework.api.errors import answer

MAX_BODY_BYTES = 1024 * 1024
INTERNAL_ERROR = "Internal server error. The server log has details under this request id."
_TOO_LARGE = f"The body is larger than {MAX_BODY_BYTES} bytes."
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestMiddleware:
    """Plain ASGI, so that a long poll is not buffered and a disconnect reaches it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        state: dict[str, Any] = scope.setdefault("state", {})
        began, status = perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                out["x-request-id"] = request_id
                for name, value in state.get("headers", {}).items():
                    out[name] = value
            await send(message)

        with log.bound(request=request_id):
            try:
                if _length(headers) > MAX_BODY_BYTES:
                    await answer(413, "too_large", _TOO_LARGE)(scope, receive, sending)
                else:
                    await self.app(scope, _counted(receive), sending)
            except Exception:
                logging.getLogger("casework").exception("http.error")
                if status:
                    raise
                await answer(500, "internal_error", INTERNAL_ERROR)(
                    scope, receive, sending
                )
            finally:
                milliseconds = f"{(perf_counter() - began) * 1000:.1f}"
                log.event("http", method=scope["method"], path=scope["path"], status=status, ms=milliseconds)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def _length(headers: Headers) -> int:
    given = headers.get("content-length", "")
    return int(given) if given.isdecimal() else 0


def _counted(receive: Receive) -> Receive:
    """A body without a length, or with a wrong one, is counted while it is read."""
    read = 0

    async def receiving() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MAX_BODY_BYTES:
            raise HTTPException(413, _TOO_LARGE)
        return message

    return receiving
