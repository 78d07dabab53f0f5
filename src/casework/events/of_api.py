"""What happens in the HTTP API."""

import logging
from dataclasses import dataclass
from uuid import UUID

from casework.events.seam import Event


@dataclass(frozen=True, slots=True)
class ApiStarting(Event):
    """The HTTP API begins to listen."""

    action = "api.starting"
    url: str
    connections: int


@dataclass(frozen=True, slots=True)
class RequestServed(Event):
    """The HTTP API answered a request; `ms` is milliseconds."""

    action = "api.request"
    method: str
    path: str
    status: int
    ms: float
    key: UUID | None


@dataclass(frozen=True, slots=True)
class ToolCalled(Event):
    """A model called a tool; `ms` is milliseconds. Without a key, it was at home."""

    action = "mcp.call"
    tool: str
    key: str | None
    failed: bool
    ms: float


@dataclass(frozen=True, slots=True)
class RequestUnavailable(Event):
    """A request was answered 503; the details stand here and not in the answer."""

    action = "api.unavailable"
    level = logging.WARNING
    error: str


@dataclass(frozen=True, slots=True)
class ConnectionsFull(Event):
    """The API has as many connections as it takes, all of them busy, and sent one away."""

    action = "api.connections_full"
    level = logging.WARNING
    connections: int


@dataclass(frozen=True, slots=True)
class NotReady(Event):
    """`/readyz` was answered 503; the details stand here and not in the answer."""

    action = "api.not_ready"
    level = logging.WARNING
    trouble: str


@dataclass(frozen=True, slots=True)
class RateLimitSkipped(Event):
    """The broker is unavailable, so requests pass without a rate limit."""

    action = "api.rate_limit_skipped"
    level = logging.WARNING
    error: str
