"""A Redis that does not answer: frozen, or behind a line that swallows what is sent."""

from time import monotonic

from redis.exceptions import TimeoutError as RedisTimeout

SECONDS = 5.0
"""It is left alone for so long: each request and each run's end would wait in vain otherwise."""


class Silence:
    """Whether Redis let somebody wait in vain lately. For what may be left out, because it only makes others faster."""

    def __init__(self) -> None:
        self._until = 0.0

    def lasts(self) -> bool:
        """Whether it is to be left alone."""
        return monotonic() < self._until

    def notice(self, error: Exception) -> None:
        """A time-out begins one. A refusal costs nothing, and is no reason not to ask again."""
        if isinstance(error, RedisTimeout):
            self._until = monotonic() + SECONDS
