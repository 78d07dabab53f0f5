"""From errors to answers: one table, one shape."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import SkipJsonSchema
from starlette.exceptions import HTTPException

from casework import errors
from casework.api import schemas


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
    413: "too_large",
    429: "too_many_requests",
}

RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "Malformed, or out of bounds."},
    401: {"model": Error, "description": "No key, or none that is valid."},
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
    """An answer in the shape of all errors."""
    body = Error(error=error, message=message, details=details).model_dump(exclude_none=True)
    return JSONResponse(body, status, headers=headers)


def _of_casework(_: Request, error: Exception) -> JSONResponse:
    status, name = next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    headers = {"www-authenticate": "Bearer"} if status == 401 else {"retry-after": "1"} if status == 503 else {}
    return answer(status, name, str(error), headers=headers)


def _of_validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    details = [{"field": _field(one["loc"]), "message": one["msg"], "type": one["type"]} for one in error.errors()]
    first = details[0] if details else {"field": "request", "message": "is malformed"}
    return answer(400, "invalid_request", f"{first['field']}: {first['message']}", details)


def _field(location: tuple[Any, ...]) -> str:
    # In a union, the location also names the member that was tried: a class, or a function in brackets.
    parts = [str(part) for part in location if not (isinstance(part, str) and ("[" in part or hasattr(schemas, part)))]
    return ".".join(parts[1:]) or parts[0]


def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = {"allow": _allowed(request)} if error.status_code == 405 else error.headers
    return answer(error.status_code, _HTTP_NAMES.get(error.status_code, "error"), str(error.detail), headers=headers)


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
    """Answer all errors in one shape."""
    app.add_exception_handler(errors.CaseworkError, _of_casework)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
