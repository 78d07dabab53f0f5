"""Authentication, rights and rate limits."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from time import time
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPBearer
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from casework import events
from casework.broker.address import pool
from casework.broker.circuit_breaker import CircuitBreaker
from casework.core.model import AgentId, TeamId
from casework.core.names import check_name
from casework.core.roles import Right
from casework.errors import InvalidInput, Unauthorized
from casework.service import keys
from casework.service.listing import Counts
from casework.store.database import Database
from casework.store.keys import StoredKey
from casework.wiring import Casework

_bearer = HTTPBearer(
    scheme_name="bearerAuth", auto_error=False, description="An API key: `casework keys create NAME --role ROLE`."
)


class RateLimit:
    """Limits requests per minute and key, counted in Redis; while Redis is away, nothing is limited."""

    def __init__(
        self,
        redis_url: str,
        find_prefix: Callable[[], str],
        per_minute: int,
        refusal: str = "Too many requests with this key.",
    ) -> None:
        self.per_minute = per_minute
        self._refusal = refusal
        self._redis_url, self._find_prefix = redis_url, find_prefix
        self._item = RateLimitItemPerMinute(per_minute)
        self._breaker = CircuitBreaker()

    @cached_property
    def _limiter(self) -> SlidingWindowCounterRateLimiter:
        """Made with the first request: the prefix comes from the database, which may start after the API."""
        connections, prefix = pool(self._redis_url, **_SHORT), f"{self._find_prefix()}limits"
        return SlidingWindowCounterRateLimiter(RedisStorage("redis://", connections, prefix, wrap_exceptions=True))

    def hit(self, who: str) -> dict[str, str]:
        """Count a request, by the id of its key, and return the headers that report the limit. Raises HTTPException 429."""
        if not self.per_minute or self._breaker.is_open:
            return {}
        try:
            allowed = self._limiter.hit(self._item, who)
            stats = self._limiter.get_window_stats(self._item, who)
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
            raise HTTPException(429, self._refusal, {**headers, "retry-after": wait})
        return headers


_SHORT: dict[str, Any] = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, and what it may use."""

    casework: Casework
    key: StoredKey
    counts: Counts
    reads: Database
    """Connections for reads: their statements have a time limit."""
    person: str | None = None
    """The person for whom the holder of the key acts, if it says so."""

    @property
    def db(self) -> Database:
        """The database, for what the caller does: the history says that it was this key, and this person."""
        return self.casework.db.acting_for(key=self.key.name, person=self.person)

    @property
    def team(self) -> TeamId:
        """The caller's team. Other teams' objects do not exist for it."""
        return self.key.team_id

    @property
    def agents(self) -> Collection[AgentId] | None:
        """The agents that the caller may work as; None for every agent of its team."""
        return keys.agents_of(self.key)


def authenticate(request: Request, right: Right) -> Caller:
    """Find out who sent the request, and whether it may. Raises Unauthorized, Forbidden, and HTTPException 429."""
    caller = identify(request)
    keys.check_right(caller.key, right)
    return caller


def identify(request: Request) -> Caller:
    """Find out who sent the request. Raises Unauthorized, and HTTPException 429."""
    state = request.app.state
    token = _token(request)
    if token is None:
        raise Unauthorized
    key = keys.authenticate(state.casework.db, token, request.client.host if request.client else None)
    request.state.key = key.public
    request.state.headers = state.rate_limit.hit(str(key.id))
    return Caller(state.casework, key, state.counts, state.reads, _person(request))


PERSON_HEADER = "casework-person"


def _person(request: Request) -> str | None:
    """The person that the request names. Raises InvalidInput for a header that is not a name in UTF-8."""
    given = request.headers.get(PERSON_HEADER)
    if given is None:
        return None
    try:
        name = given.encode("latin-1").decode()
    except UnicodeDecodeError:
        raise InvalidInput("The header Casework-Person is not UTF-8.") from None
    check_name("header Casework-Person", name)
    return name


def _token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


class Need:
    """The right that an operation needs. Checked by its route, before anything of the body is read."""

    def __init__(self, right: Right) -> None:
        self.right = right

    async def __call__(self, request: Request, _: Annotated[object, Depends(_bearer)]) -> Caller:
        """The caller that the route found."""
        caller: Caller = request.state.caller
        return caller


Reader = Annotated[Caller, Depends(Need(Right.READ))]
Adder = Annotated[Caller, Depends(Need(Right.ADD))]
Worker = Annotated[Caller, Depends(Need(Right.WORK))]
Answerer = Annotated[Caller, Depends(Need(Right.ANSWER))]
Operator = Annotated[Caller, Depends(Need(Right.OPERATE))]
Manager = Annotated[Caller, Depends(Need(Right.MANAGE))]
