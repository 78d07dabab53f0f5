"""A pool of connections with a maximum size. Each is lent to one thread at a time, the last used one first."""

from collections.abc import Callable
from queue import Empty, LifoQueue
from time import monotonic

from casework.errors import DatabaseUnavailable
from casework.store.connection import Connection

WAIT_SECONDS = 5.0

PAUSE_SECONDS = 1.0
"""A connection that was idle for longer is tested before it is lent, because a transaction on a broken one fails."""


class Pool:
    """Lends connections. Each is made when it is first needed: `None` stands for one that is not made yet.

    A queue of the standard library is enough. SQLAlchemy's pool makes taking a connection four times as expensive, and
    importing it takes half of a command's start.
    """

    def __init__(self, connect: Callable[[], Connection], size: int) -> None:
        self._connect = connect
        self._size = size
        self._free: LifoQueue[Connection | None] = LifoQueue()
        for _ in range(size):
            self._free.put(None)

    def lend(self) -> Connection:
        """A connection that works. Raises DatabaseUnavailable if all are in use, or the server cannot be reached."""
        try:
            connection = self._free.get(timeout=WAIT_SECONDS)
        except Empty:
            raise DatabaseUnavailable("All database connections are in use.") from None
        try:
            if connection and (monotonic() - connection.used < PAUSE_SECONDS or connection.answers()):
                return connection
            if connection:
                connection.close()
            return self._connect()
        except BaseException:
            self._free.put(None)
            raise

    def take_back(self, connection: Connection) -> None:
        """Return a connection to the pool, unless it is broken, in a transaction, or has outdated statements."""
        if connection.is_reusable():
            connection.used = monotonic()
            self._free.put(connection)
        else:
            connection.close()
            self._free.put(None)

    def close(self) -> None:
        """Close the connections that are not lent."""
        taken: list[Connection | None] = []
        while len(taken) < self._size and not self._free.empty():
            taken.append(self._free.get_nowait())
        for connection in taken:
            if connection:
                connection.close()
            self._free.put(None)
