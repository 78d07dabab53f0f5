"""Who asks, what they may, and how often."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from time import time
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from casework import events
from casework.broker.address import pool
from casework.broker.circuit_breaker import CircuitBreaker
from casework.core.model import TeamId
from casework.core.roles import Right
from casework.errors import Unauthorized
from casework.service import keys
from casework.service.listing import Counts
from casework.store.keys import StoredKey
from casework.wiring import Casework

_bearer = HTTPBearer(
    scheme_name="bearerAuth", auto_error=False, description="An API key: `casework keys create NAME --role ROLE`."
)


class RateLimit:
    """Requests a minute for each key, counted in Redis; without Redis nothing is limited."""

    def __init__(self, redis_url: str, find_prefix: Callable[[], str], per_minute: int) -> None:
        self.per_minute = per_minute
        self._redis_url, self._find_prefix = redis_url, find_prefix
        self._item = RateLimitItemPerMinute(per_minute)
        self._breaker = CircuitBreaker()

    @cached_property
    def _limiter(self) -> SlidingWindowCounterRateLimiter:
        """Made with the first request: the prefix is the database's, which may come after the API."""
        connections, prefix = pool(self._redis_url, **_SHORT), f"{self._find_prefix()}limits"
        return SlidingWindowCounterRateLimiter(RedisStorage("redis://", connections, prefix, wrap_exceptions=True))

    def hit(self, key: StoredKey) -> dict[str, str]:
        """Count a request, and return the headers that tell of it. Raises HTTPException 429."""
        if not self.per_minute or self._breaker.is_open:
            return {}
        try:
            allowed = self._limiter.hit(self._item, str(key.id))
            stats = self._limiter.get_window_stats(self._item, str(key.id))
        except StorageError as error:
            self._breaker.record(error.storage_error)
            events.emit(events.RateLimitSkipped(str(error)))
            return {}
        reset = max(int(stats.reset_time + 0.999), int(time()))
        headers = {
            "x-ratelimit-limit": str(self.per_minute),
            "x-ratelimit-remaining": str(max(0, stats.remaining)),
            "x-ratelimit-reset": str(reset),
        }
        if not allowed:
            wait = str(max(1, reset - int(time())))
            raise HTTPException(429, "Too many requests with this key.", {**headers, "retry-after": wait})
        return headers


_SHORT: dict[str, Any] = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}


@dataclass(frozen=True, slots=True)
class Caller:
    """The installation, and who asks it for something."""

    casework: Casework
    key: StoredKey
    counts: Counts

    @property
    def team(self) -> TeamId:
        """The caller's team: nobody else's things are there for it."""
        return self.key.team_id


def _authenticate(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    casework: Casework = request.app.state.casework
    if credentials is None:
        raise Unauthorized
    key = keys.authenticate(casework.db, credentials.credentials)
    request.state.headers = request.app.state.rate_limit.hit(key)
    return Caller(casework, key, request.app.state.counts)


Authenticated = Annotated[Caller, Depends(_authenticate)]


def _need(right: Right) -> Any:
    def check(caller: Authenticated) -> Caller:
        keys.check_right(caller.key, right)
        return caller

    return Depends(check)


Reader = Annotated[Caller, _need(Right.READ)]
Adder = Annotated[Caller, _need(Right.ADD)]
Worker = Annotated[Caller, _need(Right.WORK)]
Operator = Annotated[Caller, _need(Right.OPERATE)]
Manager = Annotated[Caller, _need(Right.MANAGE)]
