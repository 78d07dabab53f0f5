"""Applies to every request: an id, limits on size and time, and a log line."""

import asyncio
import logging
import re
from time import perf_counter
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casework import events, log
from casework.api.errors import answer

MAX_BODY_BYTES = 1024 * 1024
BODY_SECONDS = 30.0
"""How long the body of a request may take to arrive."""

INTERNAL_ERROR = "Internal server error. The server log has details under this request id."
_TOO_LARGE = f"The body is larger than {MAX_BODY_BYTES} bytes."
_TOO_SLOW = "The body did not arrive in time."
_TWO_LENGTHS = "The request has both a content-length and a transfer-encoding."
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CLOSING = {"connection": "close"}
"""For a request that is refused before its end is read."""


class RequestMiddleware:
    """Plain ASGI, so that a long poll is not buffered and a disconnect reaches it."""

    def __init__(self, app: ASGIApp, body_seconds: float = BODY_SECONDS) -> None:
        self.app = app
        self.body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
                refused = _refusal(headers)
                app: ASGIApp = answer(*refused, headers=_CLOSING) if refused else self.app
                await app(scope, _bounded(receive, self.body_seconds), sending)
            except Exception:
                logging.getLogger("casework").exception("http.error")
                if status:
                    raise
                await answer(500, "internal_error", INTERNAL_ERROR)(scope, receive, sending)
            finally:
                milliseconds = round((perf_counter() - began) * 1000, 1)
                path, key = scope["path"][:200], state.get("key")
                events.emit(events.RequestServed(scope["method"], path, status, milliseconds, key))


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def _refusal(headers: Headers) -> tuple[int, str, str] | None:
    """Why a request is refused by its headers alone."""
    length = headers.get("content-length", "").strip()
    if length and "transfer-encoding" in headers:
        # A proxy may have used the other header, and so see a second request in the body (request smuggling).
        return 400, "invalid_request", _TWO_LENGTHS
    digits = length.lstrip("0")
    if digits.isdecimal() and (len(digits) > len(str(MAX_BODY_BYTES)) or int(digits) > MAX_BODY_BYTES):
        return 413, "too_large", _TOO_LARGE
    return None


def _bounded(receive: Receive, seconds: float) -> Receive:
    """Count and time the body while it is read. After the body there is no limit on the wait for a disconnect."""
    read, ended, began = 0, False, perf_counter()

    async def receiving() -> Message:
        nonlocal read, ended
        if ended:
            return await receive()
        try:
            async with asyncio.timeout(max(0.0, began + seconds - perf_counter())):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, _TOO_SLOW, _CLOSING) from None
        read += len(message.get("body", b""))
        ended = not message.get("more_body", False)
        if read > MAX_BODY_BYTES:
            raise HTTPException(413, _TOO_LARGE, _CLOSING)
        return message

    return receiving
