"""Stops asking a Redis that does not answer because it is frozen or behind a network partition."""

from time import monotonic

from redis.exceptions import TimeoutError as RedisTimeout

OPEN_SECONDS = 5.0
"""How long the breaker stays open. Without it, each request and the end of each run would wait for the time-out."""


class CircuitBreaker:
    """Open for a while after a time-out. For effects that only save time, such as nudges."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether Redis must not be asked now."""
        return monotonic() < self._until

    def record(self, error: Exception) -> None:
        """Open the breaker if the error is a time-out. A refused connection costs no time, so it does not open it."""
        if isinstance(error, RedisTimeout):
            self._until = monotonic() + OPEN_SECONDS
