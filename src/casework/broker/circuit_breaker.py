"""A Redis that does not answer: frozen, or behind a network partition."""

from time import monotonic

from redis.exceptions import TimeoutError as RedisTimeout

OPEN_SECONDS = 5.0
"""For so long nobody asks it: each request and each run's end would wait in vain otherwise."""


class CircuitBreaker:
    """Open while Redis is not asked, after a time-out. For effects that only make others faster."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether Redis is left alone."""
        return monotonic() < self._until

    def record(self, error: Exception) -> None:
        """Open at a time-out. A refusal costs nothing, and is no reason not to ask again."""
        if isinstance(error, RedisTimeout):
            self._until = monotonic() + OPEN_SECONDS
