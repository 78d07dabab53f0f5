"""A pool of connections with a maximum size. Each is lent to one thread at a time, the last used one first."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic

from casework.errors import DatabaseUnavailable
from casework.store.connection import Connection

WAIT_SECONDS = 5.0

PAUSE_SECONDS = 1.0
"""A connection that was idle for longer is tested before it is lent, because a transaction on a broken one fails."""


class Pool:
    """Lends connections, and makes them when they are needed.

    Whoever holds one of as many permits as the pool is large takes an idle connection, or makes one. SQLAlchemy's pool
    makes taking a connection eight times as expensive, and importing it takes half of a command's start.
    """

    def __init__(self, connect: Callable[[], Connection], size: int) -> None:
        self._connect = connect
        self._idle: deque[Connection] = deque()
        self._permits: SimpleQueue[None] = SimpleQueue()
        for _ in range(size):
            self._permits.put(None)

    def lend(self) -> Connection:
        """A connection that works. Raises DatabaseUnavailable if all are in use, or the server cannot be reached."""
        try:
            self._permits.get(timeout=WAIT_SECONDS)
        except Empty:
            raise DatabaseUnavailable("All database connections are in use.") from None
        try:
            connection = self._last_used()
            if connection and (monotonic() - connection.used < PAUSE_SECONDS or connection.answers()):
                return connection
            if connection:
                connection.close()
            return self._connect()
        except BaseException:
            self._permits.put(None)
            raise

    def take_back(self, connection: Connection) -> None:
        """Return a connection to the pool, unless it is broken, in a transaction, or has outdated statements."""
        if connection.is_reusable():
            connection.used = monotonic()
            self._idle.append(connection)
        else:
            connection.close()
        self._permits.put(None)

    def plan_again(self) -> None:
        """Let the connection that is lent next plan its statements again."""
        with suppress(IndexError):
            self._idle[-1].plan_again()

    def close(self) -> None:
        """Close the connections that are not lent."""
        while connection := self._last_used():
            connection.close()

    def _last_used(self) -> Connection | None:
        # Others with a permit pop too, so that the queue may be empty by now.
        try:
            return self._idle.pop()
        except IndexError:
            return None
