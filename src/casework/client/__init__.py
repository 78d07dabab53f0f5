"""For programs elsewhere: a client of casework's HTTP API, for producers and for pull agents. Needs `casework[client]`."""

from casework.client.client import AsyncClient, Client
from casework.client.errors import (
    ApiError,
    ClientError,
    Conflict,
    Forbidden,
    InvalidRequest,
    NoAnswer,
    NotEnded,
    NotFound,
    RunLost,
    ServerError,
    TooManyRequests,
    Unauthorized,
)
from casework.client.pulling import AsyncPullAgent, PullAgent
from casework.client.runs import AsyncPulledRun, PulledRun

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncPullAgent",
    "AsyncPulledRun",
    "Client",
    "ClientError",
    "Conflict",
    "Forbidden",
    "InvalidRequest",
    "NoAnswer",
    "NotEnded",
    "NotFound",
    "PullAgent",
    "PulledRun",
    "RunLost",
    "ServerError",
    "TooManyRequests",
    "Unauthorized",
]
