"""Calls to the API without any input or output: what to send, what the answer means, when to send it again.

A flow is a generator that yields what has to be done, a request to send or a pause, and returns its result. A driver does
it: one blocks, the other awaits. So each rule is written once for both clients.
"""

import json
import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from time import monotonic
from typing import Any, TypeVar

from casework.client.errors import ApiError, ClientError, NoAnswer, ServerError, TooManyRequests, kind_of
from casework.core.transient import retry_after
from casework.errors import InvalidInput

T = TypeVar("T")

MAX_QUOTED = 200
"""Characters that an error message quotes of an answer that is not casework's."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to send."""

    method: str
    path: str
    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None
    repeatable: bool = False
    """Whether a second one does no harm even if the first took effect: a read, or a write that the API applies once."""
    timeout: float | None = None
    """Seconds to wait for the answer; None for the client's own limit."""

    @property
    def may_repeat(self) -> bool:
        return self.repeatable or self.method == "GET" or self.idempotency_key is not None

    def content(self) -> bytes | None:
        """The body as it is sent. Raises InvalidInput if it is not JSON."""
        if self.body is None:
            return None
        try:
            return json.dumps(self.body, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(f"What is to be sent to {self.path} is not JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. The names of headers are in lower case."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait of so many seconds."""

    seconds: float


Flow = Generator[Request | Pause, Any, T]


@dataclass(frozen=True, slots=True)
class Retries:
    """How a call is tried again: pauses that double from `first` to `longest`, with jitter, for `seconds` in all."""

    seconds: float = 60.0
    first: float = 0.5
    longest: float = 10.0
    clock: Callable[[], float] = monotonic
    jitter: Callable[[], float] = random.random

    def pause(self, number: int, error: ClientError) -> float:
        """Seconds before the next try, `number` tries after the first: at least what the API asked for."""
        backoff = min(self.longest, self.first * 2.0 ** min(number, 20)) * (0.5 + self.jitter() / 2)
        return max(backoff, retry_after(error, datetime.now(UTC)) or 0.0)


def call(request: Request, retries: Retries) -> Flow[Any]:
    """Send a request and return the answer's JSON; None if it has no body. Raises ClientError."""
    end = retries.clock() + retries.seconds
    for number in count():
        try:
            return _read((yield request))
        except ClientError as error:
            pause = retries.pause(number, error)
            if not _helps_again(request, error) or retries.clock() + pause > end:
                raise
        yield Pause(pause)
    raise AssertionError


def _helps_again(request: Request, error: ClientError) -> bool:
    """Whether to send the request again. One that may have taken effect is sent again only if that does no harm. 503 with
    Retry-After asks for it: at worst, the second try finds done what the first one did."""
    if isinstance(error, NoAnswer):
        return request.may_repeat or not error.sent
    if isinstance(error, ServerError):
        return request.may_repeat or (error.status == 503 and "retry-after" in error.headers)
    return isinstance(error, TooManyRequests)


def _read(answer: Answer) -> Any:
    if not 200 <= answer.status < 300:
        raise _error(answer)
    if not answer.content:
        return None
    try:
        return json.loads(answer.content)
    except ValueError:
        raise _foreign(answer) from None


def _error(answer: Answer) -> ApiError:
    try:
        body = json.loads(answer.content)
    except ValueError:
        return _foreign(answer)
    if not isinstance(body, dict) or not isinstance(body.get("error"), str):
        return _foreign(answer)
    code = body["error"]
    return kind_of(answer.status, code)(
        str(body.get("message") or code),
        status=answer.status,
        code=code,
        details=body.get("details"),
        headers=answer.headers,
    )


def _foreign(answer: Answer) -> ApiError:
    """An answer that casework's API does not give: of a proxy, or of something else at this address."""
    text = answer.content.decode("utf-8", "replace").strip()[:MAX_QUOTED]
    location = answer.headers.get("location")
    message = f"The answer is not that of casework's API: {f'a redirect to {location}' if location else text!r}"
    return kind_of(answer.status, "")(message, status=answer.status, code="not_casework", headers=answer.headers)
