"""Which errors pass by themselves, and what services ask for: with look-alikes of the clients' errors."""

import asyncio
import errno
import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.error import URLError

import pytest

from casework.core.transient import is_transient, leaves, retry_after
from casework.errors import InvalidInput, Transient

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Response:
    def __init__(self, status, headers=()):
        self.status_code, self.headers = status, headers

    def __bool__(self):
        """As requests has it."""
        return self.status_code < 400


class StatusError(Exception):
    """As of openai, anthropic, httpx and requests."""

    def __init__(self, status, headers=()):
        self.response = Response(status, headers)


class ModelHTTPError(Exception):
    """As of pydantic-ai."""

    def __init__(self, status, body=None):
        self.status_code, self.body = status, body


class ResponseError(Exception):
    """As of aiohttp."""

    def __init__(self, status, headers=()):
        self.status, self.headers = status, headers


class APIError(Exception):
    """As of google-genai, whose `status` is a word."""

    def __init__(self, code, details=None):
        self.code, self.details, self.status = code, details, "A_WORD"


class ClientError(Exception):
    """As of botocore."""

    def __init__(self, code, status, headers=()):
        self.response = {
            "Error": {"Code": code},
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": dict(headers)},
        }


class ReadTimeout(Exception):
    """As of httpx."""


class ConnectionClosed(Exception):
    """As of websockets, whose codes are not HTTP's."""

    code = 1006


class Unreadable(Exception):
    """Raises for whatever is read of it."""

    def __getattribute__(self, name):
        raise RuntimeError("not to be read")


def raised_from(cause, error=None):
    error = error or RuntimeError("wrapped")
    error.__cause__ = cause
    return error


def raised_while_handling(handled, error):
    try:
        try:
            raise handled
        except Exception:
            raise error  # noqa: B904 - the implicit context is the point
    except Exception as raised:
        return raised


def group(*errors):
    return ExceptionGroup("unhandled errors in a TaskGroup", errors)


@pytest.mark.parametrize(
    "error",
    [
        Transient("x"),
        TimeoutError(),
        ConnectionRefusedError(),
        ConnectionResetError(),
        socket.gaierror(),
        ReadTimeout(),
        *(kind(status) for status in (408, 409, 429, 500, 502, 503, 504, 522, 529) for kind in (StatusError, APIError)),
        ModelHTTPError(529),
        ResponseError(503),
        ClientError("ServiceUnavailable", 503),
        ClientError("ThrottlingException", 400),
        StatusError(400, {"X-Should-Retry": "true"}),
        URLError(ConnectionRefusedError()),
        URLError(OSError(errno.ENETUNREACH, "Network is unreachable")),
        OSError(errno.EHOSTUNREACH, "No route to host"),
        ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
        asyncio.IncompleteReadError(b"", 5),
    ],
)
def test_passing_conditions_are_transient(error):
    assert is_transient(error)
    assert is_transient(raised_from(error))
    assert is_transient(group(error))


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        KeyError("x"),
        PermissionError(),
        OSError(errno.ENOSPC, "No space left on device"),
        ssl.SSLCertVerificationError(1, "certificate has expired"),
        *(kind(status) for status in (400, 401, 404, 422) for kind in (StatusError, APIError, ResponseError)),
        ModelHTTPError(404),
        ClientError("AccessDenied", 403),
        StatusError(429, {"x-should-retry": "false"}),
        ConnectionClosed(),
        KeyboardInterrupt(),
        raised_from(TimeoutError(), SystemExit(1)),
    ],
)
def test_everything_else_is_not(error):
    assert not is_transient(error)


def test_a_group_is_transient_if_all_that_it_holds_is():
    assert is_transient(group(ConnectionError(), group(TimeoutError(), raised_from(StatusError(529)))))
    assert is_transient(raised_from(group(ConnectionError())))
    assert not is_transient(group(ConnectionError(), ValueError()))
    assert not is_transient(group(ConnectionError(), group(ValueError())))
    assert not is_transient(raised_from(group(ConnectionError(), ValueError())))
    assert not is_transient(BaseExceptionGroup("x", [ConnectionError(), KeyboardInterrupt()]))


@pytest.mark.parametrize("handled", [TimeoutError(), group(ConnectionError())])
def test_an_error_that_stands_for_what_was_handled_is_as_transient(handled):
    assert is_transient(raised_while_handling(handled, RuntimeError("the registry is away")))


@pytest.mark.parametrize(
    "mistake", [ValueError(), KeyError(), PermissionError(), StatusError(404), InvalidInput("x"), group(OSError())]
)
def test_a_failure_of_its_own_while_handling_a_timeout_is_not_transient(mistake):
    assert not is_transient(raised_while_handling(TimeoutError(), mistake))


def test_an_error_that_hides_what_was_handled_is_not_transient():
    try:
        try:
            raise TimeoutError
        except TimeoutError:
            raise RuntimeError("there is no such company") from None
    except RuntimeError as error:
        assert not is_transient(error)


def test_an_error_that_cannot_be_read_is_not_transient():
    assert not is_transient(Unreadable())
    assert retry_after(Unreadable(), NOW) is None


def test_a_circle_of_causes_has_an_end():
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    assert not is_transient(first)
    assert retry_after(first, NOW) is None


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (StatusError(429, {"retry-after": "8"}), 8),
        (StatusError(429, {"Retry-After": "8"}), 8),
        (StatusError(429, {"RETRY-AFTER": 8}), 8),
        (StatusError(429, [(b"Retry-After", b"8")]), 8),
        (StatusError(429, {"retry-after": "9", "retry-after-ms": "8500"}), 8.5),
        (StatusError(429, {"retry-after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}), 90),
        (StatusError(429, {"retry-after": format_datetime(NOW - timedelta(seconds=90), usegmt=True)}), 0),
        (StatusError(429, {"retry-after": (NOW + timedelta(seconds=90)).isoformat()}), 90),
        (StatusError(429, {"retry-after": (NOW + timedelta(seconds=90)).strftime("%Y-%m-%dT%H:%M:%SZ")}), 90),
        (ResponseError(503, {"Retry-After": "8"}), 8),
        (ClientError("SlowDown", 503, {"retry-after": "8"}), 8),
        (raised_from(StatusError(429, {"retry-after": "8"}), ModelHTTPError(429)), 8),
        (group(StatusError(429, {"retry-after": "8"}), group(StatusError(429, {"retry-after": "9"}))), 9),
        (raised_from(group(StatusError(429, {"retry-after": "8"}))), 8),
        (APIError(429, {"error": {"details": [{"@type": "x"}, RETRY_INFO]}}), 34.5),
        (ModelHTTPError(429, {"error": {"details": [RETRY_INFO]}}), 34.5),
        (Transient("later", retry_after=8), 8),
        (StatusError(429), None),
        (ModelHTTPError(429, ["no details", None]), None),
        (APIError(429, {"error": {"details": [{**RETRY_INFO, "retryDelay": "soon"}]}}), None),
        *(
            (StatusError(429, {"retry-after": odd}), None)
            for odd in ("soon", "", "-8", "nan", "inf", "1e300", "9" * 40_000, None, "Fri, 32 May 2026 99:00:00 GMT")
        ),
    ],
)
def test_what_the_other_side_asks_for_is_heard(error, seconds):
    assert retry_after(error, NOW) == seconds


def test_a_date_is_read_by_the_clock_of_the_sender():
    there = NOW + timedelta(hours=1)
    headers = {
        "Date": format_datetime(there, usegmt=True),
        "Retry-After": format_datetime(there + timedelta(seconds=30), usegmt=True),
    }
    assert retry_after(StatusError(429, headers), NOW) == 30


def test_the_leaves_of_a_group_are_in_their_order():
    first, second, third = ValueError(), KeyError(), OSError()
    assert leaves(group(first, group(second), third)) == [first, second, third]
