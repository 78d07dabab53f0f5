"""Every error that the client raises, on one screen.

    CaseworkError
    └── ClientError
        ├── NoAnswer                 nobody answered, or the connection was lost; the tries are used up
        ├── NotEnded                 `wait_for_case` waited as long as it may (also a TimeoutError)
        └── ApiError                 the API refused: `status`, `code`, `message`, `details`, `request_id`
            ├── InvalidRequest       400, 408, 413: what was sent cannot be used as it is
            ├── Unauthorized         401: no valid key
            ├── Forbidden            403: the key may not do this
            ├── NotFound             404: no such thing, or it belongs to another team or agent
            ├── Conflict             409: the present state does not permit it
            │   └── RunLost          the run no longer holds its case: nothing was written
            ├── TooManyRequests      429: still too many after the tries
            └── ServerError          5xx: the API, or a proxy before it, could not serve the request

What cannot be sent at all, such as data that is not JSON, is `casework.errors.InvalidInput`.
"""

from collections.abc import Mapping
from typing import Any

from casework import errors


class ClientError(errors.CaseworkError):
    """The client could not do what it was asked."""


class NoAnswer(ClientError):
    """The API did not answer. `sent` says whether the request may have reached it, and so may have taken effect."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class NotEnded(ClientError, TimeoutError):
    """The case did not reach the status in time."""


class ApiError(ClientError):
    """The API answered with an error. `code` is for programs and `message` for people; `details` name the fields that are
    wrong; the server's log has more under `request_id`; `headers` are those of the answer, with lower-case names.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        details: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message, self.status, self.code = message, status, code
        self.details = details or []
        self.headers = headers or {}
        self.request_id = self.headers.get("x-request-id")
        request = f", request {self.request_id}" if self.request_id else ""
        super().__init__(f"{message} ({status} {code}{request})")


class InvalidRequest(ApiError):
    """What was sent cannot be used as it is."""


class Unauthorized(ApiError):
    """The request had no valid key."""


class Forbidden(ApiError):
    """The key may not do this."""


class NotFound(ApiError):
    """There is no such thing, or it belongs to another team or agent."""


class Conflict(ApiError):
    """The present state does not permit this."""


class RunLost(Conflict, errors.RunLost):
    """The run no longer holds its case; nothing was written."""


class TooManyRequests(ApiError):
    """There were too many requests, and the tries are used up."""


class ServerError(ApiError):
    """The API, or a proxy before it, could not serve the request."""


PASSING = (NoAnswer, TooManyRequests, ServerError)
"""What an agent outlasts: the API may be back later."""

_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    408: InvalidRequest,
    409: Conflict,
    413: InvalidRequest,
    429: TooManyRequests,
}


def kind_of(status: int, code: str) -> type[ApiError]:
    """The class of an answer's error."""
    if code == "run_lost":
        return RunLost
    return ServerError if status >= 500 else _BY_STATUS.get(status, ApiError)
