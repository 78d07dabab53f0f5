"""Checks around each operation: the key before the body, field names before values, and a limit on concurrent reads."""

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from casework.api import by_name, exact_json
from casework.api.auth import Need, authenticate
from casework.api.types import checked_data
from casework.core.names import check_fields
from casework.core.payload import check_data
from casework.core.roles import Right
from casework.errors import InvalidInput

_LARGE = 64 * 1024
"""Bodies of more bytes are parsed in a thread, so that the event loop can answer other requests meanwhile."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(APIRoute):
    """An operation of the API. The key is checked before any part of the body is read."""

    def get_route_handler(self) -> Handler:
        """The handler that FastAPI makes, behind the checks."""
        handle = super().get_route_handler()
        needed = [one.call.right for one in self.dependant.dependencies if isinstance(one.call, Need)]
        parameters = frozenset(field.alias for field in self.dependant.query_params)
        takes_body = self.body_field is not None

        async def guarded(request: Request) -> Response:
            for right in needed:
                request.state.caller = await run_in_threadpool(authenticate, request, right)
            if names := by_name.names_of(request):
                await run_in_threadpool(by_name.resolve, request, names)
            _check_parameters(request, parameters)
            request = ParsedRequest(request.scope, request.receive)
            await (request.parse() if takes_body else _refuse_body(request))
            async with AsyncExitStack() as around:
                if request.checked:
                    around.enter_context(checked_data())
                if Right.READ in needed:
                    share = request.app.state.read_share
                    await around.enter_async_context(share.slot(request.state.caller.key.id))
                return await handle(request)

        return guarded


def _check_parameters(request: Request, known: frozenset[str]) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    check_fields(given, known, "query parameter")
    if twice := next((name for name in known if given.count(name) > 1), None):
        raise InvalidInput(f"The query parameter {twice!r} is given more than once.")


class ParsedRequest(Request):
    """A request that parses JSON with `exact_json`."""

    checked = False
    """The texts and numbers of the body, a large one, were already checked while it was parsed."""

    async def parse(self) -> None:
        """Read and parse the body, if it is said to be JSON. Raises InvalidInput."""
        self._parsed: Any = None
        body = await self.body()
        if not body or "json" not in self.headers.get("content-type", ""):
            return
        self.checked = len(body) > _LARGE
        self._parsed = await run_in_threadpool(_parse_and_check, body) if self.checked else exact_json.loads(body)

    async def json(self) -> Any:
        """Return the parsed body, which FastAPI then validates."""
        return self._parsed


def _parse_and_check(body: bytes) -> Any:
    found = exact_json.loads(body)
    # `data` lies up to three levels deep in a body.
    check_data("body", found, depth=-3)
    return found


async def _refuse_body(request: Request) -> None:
    """Refuse a body that the operation would ignore: a DELETE with a filter in the body would delete everything."""
    said = {"content-length", "transfer-encoding"} & set(request.headers)
    if said and (await request.body()).strip() not in (b"", b"{}"):
        raise InvalidInput("This operation takes no body.")
