"""Recognizes temporary errors, and how long the other side asked to wait.

HTTP clients and model vendors' clients have their own error classes, without a common base. Their errors are recognized
by
their shape (a status, a response, its headers) and by the names of their types, so that none of them is imported.
Errors are other people's code: reading one never raises.
"""

import errno
import socket
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from casework.core.duration import LONGEST
from casework.errors import CaseworkError, Transient, Unavailable

_TRANSIENT_STATUSES = frozenset({408, 409, 429, *range(500, 600)})
"""Those that the vendors' own clients repeat."""

_TRANSIENT_TYPES = (Transient, Unavailable, TimeoutError, ConnectionError, socket.gaierror)

_TRANSIENT_ERRNOS = frozenset({errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH})
"""Those of networks for which Python has no class of its own."""

# httpx, requests, urllib3, aiohttp, botocore and the model vendors' clients use these names.
_TRANSIENT_NAMES = frozenset(
    {
        "APIConnectionError",
        "APITimeoutError",
        "ChunkedEncodingError",
        "ClientConnectionError",
        "ClientPayloadError",
        "ConnectError",
        "ConnectTimeout",
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "ConnectionError",
        "IncompleteRead",
        "IncompleteReadError",
        "NetworkError",
        "NewConnectionError",
        "OverloadedError",
        "PoolTimeout",
        "RateLimitError",
        "ReadTimeout",
        "ReadTimeoutError",
        "RemoteProtocolError",
        "SSLEOFError",
        "SSLZeroReturnError",
        "ServerDisconnectedError",
        "ServerTimeoutError",
        "ServiceUnavailableError",
        "Timeout",
        "TimeoutException",
        "WriteTimeout",
    }
)

# AWS reports throttling with status 400 and one of these codes.
_TRANSIENT_AWS_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "ModelNotReadyException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)

# An error of these types that is raised while another one is handled, or one with an HTTP status, is a failure of the handler
# itself. Any other one stands for what was handled, also without `from`.
_NOT_FOR_ANOTHER = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BaseExceptionGroup,
    CaseworkError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    TypeError,
    ValueError,
)


def is_transient(error: BaseException) -> bool:
    """Whether the error, or one that it stands for, is temporary. A group is if all errors in it are."""
    if is_a(error, Exception, BaseExceptionGroup):
        return any(_passes(one) for one in _chain(error))
    return False


def retry_after(error: BaseException, now: datetime) -> float | None:
    """Seconds that the other side asked to wait: the longest that the error, or one that it holds or stands for, names."""
    waits = (_asked(one, now) for one in _everything(error))
    return max((wait for wait in waits if wait is not None and 0 <= wait <= LONGEST.total_seconds()), default=None)


def is_a(error: BaseException, *types: type[BaseException]) -> bool:
    """As isinstance, without asking the error itself: its `__class__` may raise."""
    return issubclass(type(error), types)


def leaves(error: BaseException) -> list[BaseException]:
    """The errors that a group holds, and its groups, in their order; any other error is alone."""
    found: list[BaseException] = []
    rest = [error]
    while rest:
        one = rest.pop()
        if is_a(one, BaseExceptionGroup):
            rest.extend(reversed(_members(one)))
        else:
            found.append(one)
    return found


def _members(error: BaseException) -> tuple[BaseException, ...]:
    """What a group holds; nothing, for any other error."""
    found: tuple[BaseException, ...] = ()
    if is_a(error, BaseExceptionGroup):
        found = vars(BaseExceptionGroup)["exceptions"].__get__(error)
    return found


def _passes(error: BaseException) -> bool:
    if is_a(error, BaseExceptionGroup):
        return all(is_transient(one) for one in _members(error))
    if is_a(error, *_TRANSIENT_TYPES):
        return True
    if is_a(error, OSError) and _attribute(error, "errno") in _TRANSIENT_ERRNOS:
        return True
    said = _header(error, "x-should-retry")
    if said in ("true", "false"):
        return said == "true"
    return (
        _status(error) in _TRANSIENT_STATUSES
        or _aws(error, "Error", "Code") in _TRANSIENT_AWS_CODES
        or not _TRANSIENT_NAMES.isdisjoint(kind.__name__ for kind in type(error).__mro__)
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it stands for."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = _behind(one)


def _everything(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it stands for, each with all that it holds."""
    seen: set[int] = set()
    rest = [error]
    while rest:
        one = rest.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            rest.extend(_members(one))
            if (behind := _behind(one)) is not None:
                rest.append(behind)


def _behind(error: BaseException) -> BaseException | None:
    # urllib's errors hold what they stand for as their reason.
    for explicit in (_attribute(error, "__cause__"), _attribute(error, "reason")):
        if isinstance(explicit, BaseException):
            return explicit
    if _attribute(error, "__suppress_context__") or is_a(error, *_NOT_FOR_ANOTHER) or _status(error) is not None:
        return None
    context = _attribute(error, "__context__")
    return context if isinstance(context, BaseException) else None


def _attribute(holder: object, name: str) -> Any:
    """The attribute; None also if it is a property that raises."""
    try:
        return getattr(holder, name, None)
    except Exception:
        return None


def _status(error: BaseException) -> int | None:
    for holder in (error, _attribute(error, "response")):
        for name in ("status_code", "status", "code", "http_status"):
            status = _attribute(holder, name)
            if isinstance(status, int) and 100 <= status < 600:
                return int(status)
    status = _aws(error, "ResponseMetadata", "HTTPStatusCode")
    return status if isinstance(status, int) else None


def _aws(error: BaseException, *path: str) -> Any:
    """A part of botocore's parsed response."""
    found = _attribute(error, "response")
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _header(error: BaseException, name: str) -> str | None:
    headers = (
        _attribute(_attribute(error, "response"), "headers"),
        _attribute(error, "headers"),
        _aws(error, "ResponseMetadata", "HTTPHeaders"),
    )
    for given in headers:
        for key, value in _pairs(given):
            if _text(key).lower() == name:
                return _text(value).strip()
    return None


def _pairs(headers: Any) -> Iterable[tuple[Any, Any]]:
    """Of a mapping of any kind, or a list of pairs."""
    try:
        items = headers.items() if hasattr(headers, "items") else headers or ()
        return [(key, value) for key, value in items]
    except Exception:
        return ()


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""


def _asked(error: BaseException, now: datetime) -> float | None:
    milliseconds = _seconds(_header(error, "retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    header = _header(error, "retry-after")
    if header:
        seconds = _seconds(header)
        return _until(header, _moment(_header(error, "date")) or now) if seconds is None else seconds
    own = _attribute(error, "retry_after")
    if isinstance(own, timedelta):
        return own.total_seconds()
    return _seconds(own) if isinstance(own, int | float | str) else _retry_info(error)


def _seconds(text: Any) -> float | None:
    try:
        return float(text) if len(str(text)) < 100 else None
    except (TypeError, ValueError, OverflowError):
        return None


def _until(text: str, now: datetime) -> float | None:
    """Seconds until a date, by the other side's clock if the response has its time."""
    moment = _moment(text)
    return max(0.0, (moment - now).total_seconds()) if moment else None


def _moment(text: str | None) -> datetime | None:
    """A date as HTTP has it, or as others write it, in ISO 8601."""
    if not text or len(text) > 99:
        return None
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
        except (TypeError, ValueError, OverflowError):
            continue
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return None


def _retry_info(error: BaseException) -> float | None:
    """Google's services say it in the body: details that hold a RetryInfo with a `retryDelay` such as "34s"."""
    for name in ("details", "body"):
        body = _attribute(error, name)
        inner = body.get("error", body) if isinstance(body, Mapping) else None
        details = inner.get("details") if isinstance(inner, Mapping) else body
        for detail in details if isinstance(details, list) else ():
            if isinstance(detail, Mapping) and str(detail.get("@type")).endswith("google.rpc.RetryInfo"):
                return _seconds(str(detail.get("retryDelay")).removesuffix("s"))
    return None
