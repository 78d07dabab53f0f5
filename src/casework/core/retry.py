"""When a failed attempt is worth another, and how long to wait for it."""

import socket
from collections.abc import Iterator

from casework.errors import Transient, Unavailable

MAX_WAIT_SECONDS = 60.0

TRANSIENT_HTTP_STATUSES = frozenset({429, 502, 503, 504})

_TRANSIENT_TYPES = (Transient, Unavailable, TimeoutError, ConnectionError, socket.gaierror)

# HTTP and model clients have error trees of their own, with no common base. They are known by the names that
# httpx, requests, urllib3, aiohttp and the model vendors' clients use.
_TRANSIENT_NAMES = frozenset(
    {
        "APIConnectionError",
        "APITimeoutError",
        "ClientConnectorError",
        "ConnectError",
        "ConnectTimeout",
        "ConnectionError",
        "PoolTimeout",
        "RateLimitError",
        "ReadError",
        "ReadTimeout",
        "RemoteProtocolError",
        "ServerDisconnectedError",
        "ServerTimeoutError",
        "ServiceUnavailableError",
        "Timeout",
        "TimeoutException",
        "WriteError",
        "WriteTimeout",
    }
)


def is_transient(error: BaseException) -> bool:
    """Whether the error, or one that it was raised from, passes by itself."""
    return any(
        isinstance(cause, _TRANSIENT_TYPES)
        or not _TRANSIENT_NAMES.isdisjoint(kind.__name__ for kind in type(cause).__mro__)
        or _http_status(cause) in TRANSIENT_HTTP_STATUSES
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was explicitly raised from; an implicit context says nothing about the error."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__


def _http_status(error: BaseException) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status", "code"):
            status = getattr(holder, name, None)
            if isinstance(status, int):
                return status
    return None


def backoff(failures: int, base: float, jitter: float) -> float:
    """Seconds to wait after the n-th failed attempt: base, doubled each time, 60 at most.

    `jitter` in 0..1 takes off up to a half, so that cases that failed together do not come back together.
    """
    wait: float = min(MAX_WAIT_SECONDS, base * 2.0 ** (min(failures, 32) - 1))
    return wait * (1 - jitter / 2)
