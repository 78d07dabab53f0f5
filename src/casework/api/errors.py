"""Errors as responses: one table, one shape."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import SkipJsonSchema
from starlette.exceptions import HTTPException
from starlette.responses import Response

from casework import errors, events
from casework.api.by_name import as_written
from casework.core.payload import storable
from casework.web import routing
from casework.wording import counted, problem


class Error(BaseModel):
    """The shape of every error response."""

    error: str
    message: str | SkipJsonSchema[None] = None
    details: list[dict[str, Any]] | SkipJsonSchema[None] = None


ANSWERS: dict[type[errors.CaseworkError], tuple[int, str]] = {
    errors.TargetNotAllowed: (403, "target_not_allowed"),
    errors.InvalidInput: (400, "invalid_request"),
    errors.Unauthorized: (401, "unauthorized"),
    errors.Forbidden: (403, "forbidden"),
    errors.NotFound: (404, "not_found"),
    errors.NameTaken: (409, "name_taken"),
    errors.TransitionRefused: (409, "transition_refused"),
    errors.AlreadyAnswered: (409, "already_answered"),
    errors.NotAConsumer: (409, "not_a_consumer"),
    errors.Conflict: (409, "conflict"),
    errors.RunLost: (409, "run_lost"),
    errors.Unavailable: (503, "unavailable"),
    errors.CaseworkError: (500, "internal_error"),
}
"""The nearest class in an error's ancestry decides."""

_HTTP_NAMES = {
    400: "invalid_request",
    404: "not_found",
    405: "method_not_allowed",
    408: "timed_out",
    413: "too_large",
    429: "too_many_requests",
}

RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "Malformed or out of bounds, or a field or parameter that does not exist."},
    401: {"model": Error, "description": "The request has no valid key."},
    403: {"model": Error, "description": "The key may not do this."},
    404: {"model": Error, "description": "Not there, or not this team's."},
    409: {"model": Error, "description": "In conflict with the present state."},
    413: {"model": Error, "description": "Too large."},
    429: {"model": Error, "description": "Too many requests."},
    500: {"model": Error, "description": "Internal server error."},
    503: {"model": Error, "description": "PostgreSQL or Redis is not available."},
}


def answer(
    status: int,
    error: str,
    message: str | None = None,
    details: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A response in the shape of all errors."""
    shown = storable(message)[:MAX_MESSAGE] if message else message
    body = Error(error=error, message=shown, details=details).model_dump(exclude_none=True)
    return JSONResponse(body, status, headers=headers)


MAX_MESSAGE = 1000
MAX_PATH = 200
MAX_DETAILS = 20


def status_of(error: Exception) -> int:
    """The HTTP status of one of casework's errors."""
    return _answer_of(error)[0]


def _answer_of(error: Exception) -> tuple[int, str]:
    return next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)


def _of_casework(_: Request, error: Exception) -> JSONResponse:
    status, name = _answer_of(error)
    if status >= 500:
        events.emit(events.RequestUnavailable(str(error)))
        return answer(status, name, unavailable(type(error).__doc__), headers={"retry-after": "1"})
    return answer(status, name, str(error), headers={"www-authenticate": "Bearer"} if status == 401 else {})


def unavailable(fixed: str | None) -> str:
    """The message for an unavailable server. It is fixed, because the details name hosts and users."""
    return f"{fixed} The server log has details under this request id."


def _of_validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    details = [_detail(one) for one in found[:MAX_DETAILS]]
    first = details[0] if details else {"field": "request", "message": "is malformed"}
    others = f" (and {counted(len(found) - MAX_DETAILS, 'more problem')})" if len(found) > MAX_DETAILS else ""
    return answer(400, "invalid_request", f"{first['field']}: {first['message']}{others}", details)


def _detail(one: Mapping[str, Any]) -> dict[str, str]:
    return {"field": _field(one["loc"]), "message": storable(problem(one))[:MAX_MESSAGE], "type": str(one["type"])}


def _field(location: tuple[Any, ...]) -> str:
    """Where in the request, without the word for the part of it: `case.title`, `limit`."""
    path = ".".join(str(part) for part in location[1:]) or str(location[0])
    return storable(path)[:MAX_MESSAGE]


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message, headers = str(error.detail), error.headers
    where = storable(as_written(request.url.path))[:MAX_PATH]
    if error.status_code == 404:
        message = f"There is nothing at {where}. What there is stands at /docs."
    if error.status_code in (404, 405) and _is_browser(request):
        return routing.nothing_here(request.app.state.web, request, error.status_code, where, headers)
    if error.status_code == 405:
        # Pages are not in the schema.
        allowed = _allowed(request) or (error.headers or {}).get("Allow", "")
        message, headers = f"{request.method} is not possible at {where}; possible: {allowed}.", {"allow": allowed}
    return answer(error.status_code, _HTTP_NAMES.get(error.status_code, "error"), message, headers=headers)


def _is_browser(request: Request) -> bool:
    """Whether a person looks for a page. The API answers in JSON to everybody."""
    is_api = request.url.path.startswith(("/v1/", "/mcp"))
    return not is_api and "text/html" in request.headers.get("accept", "")


def _allowed(request: Request) -> str:
    """All methods of the path: the router names only those of the first operation that has it."""
    paths = request.app.openapi()["paths"]
    found = {
        method.upper() for template, item in paths.items() if _matches(template, request.url.path) for method in item
    }
    return ", ".join(sorted(found))


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"{[^}]*}", "[^/]+", template), path) is not None


def install(app: FastAPI) -> None:
    app.add_exception_handler(errors.CaseworkError, _of_casework)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
