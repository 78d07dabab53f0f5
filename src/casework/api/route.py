"""What happens around an operation: the key before the body, names before values, reads in their own share."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from casework.api import exact_json
from casework.api.auth import Need, authenticate
from casework.core.names import check_fields
from casework.core.roles import Right
from casework.errors import InvalidInput

_LARGE = 64 * 1024
"""Bytes of a body that is parsed in a thread, because the event loop would not answer anybody else meanwhile."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(APIRoute):
    """An operation of the API. Nothing of a request's body is read before its key was checked."""

    def get_route_handler(self) -> Handler:
        """The handler that FastAPI makes, behind the checks."""
        handle = super().get_route_handler()
        needed = [one.call.right for one in self.dependant.dependencies if isinstance(one.call, Need)]
        parameters = frozenset(field.alias for field in self.dependant.query_params)
        takes_body = self.body_field is not None

        async def guarded(request: Request) -> Response:
            for right in needed:
                request.state.caller = await run_in_threadpool(authenticate, request, right)
            _check_parameters(request, parameters)
            request = await (_with_json(request) if takes_body else _without_body(request))
            if Right.READ not in needed:
                return await handle(request)
            async with request.app.state.read_share.slot(request.state.caller.key.id):
                return await handle(request)

        return guarded


def _check_parameters(request: Request, known: frozenset[str]) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    check_fields(given, known, "query parameter")
    if twice := next((name for name in known if given.count(name) > 1), None):
        raise InvalidInput(f"The query parameter {twice!r} is given more than once.")


async def _with_json(request: Request) -> Request:
    """The request with its body parsed, if that is said to be JSON."""
    body = await request.body()
    if body and "json" in request.headers.get("content-type", ""):
        parse = exact_json.loads
        request._json = await run_in_threadpool(parse, body) if len(body) > _LARGE else parse(body)
    return request


async def _without_body(request: Request) -> Request:
    """Whoever deletes "some" of a queue's cases with a body that is not read would delete all of them."""
    if {"content-length", "transfer-encoding"} & set(request.headers) and (await request.body()).strip() not in (
        b"",
        b"{}",
    ):
        raise InvalidInput("This operation takes no body.")
    return request
