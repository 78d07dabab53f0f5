"""A connection through a pooler, which may give each transaction another server connection, shared with other clients.

Planning a statement costs as much as executing it, so workers and tickers keep statements prepared here too. Their names
are made from their text, so whoever prepared one on a server connection, it is the same statement. Which server connection
a transaction gets is not known in advance: a name that is unknown there, or already taken, fails before anything is
done, and the transaction is sent again.

Uses psycopg's undocumented PrepareManager and Pipeline. Tested with psycopg 3.2 and 3.3; tests/store/test_pooled.py fails
when a version changes them.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from re import search
from time import monotonic
from typing import Any

import psycopg
from psycopg import errors
from psycopg._preparing import Key, Prepare, PrepareManager
from psycopg._queries import PostgresQuery
from psycopg.abc import PQGen

from casework.store.connection import MOST_PREPARED, PLANS_KEPT_SECONDS, Asked, Connection, Rows

TRIES = 10
"""After so many misses, a transaction is sent without names."""

_MISSES = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement, errors.FeatureNotSupported)
_DISCARD_PLANS: Asked = ("discard plans", {})
_WITHOUT_RESULT = ("begin", "commit", "discard")


class _Names(PrepareManager):
    """Names statements by their text, and remembers which of them server connections are likely to know."""

    def __init__(self) -> None:
        super().__init__()
        self._by_statement: dict[Key, bytes] = {}
        self._known: set[bytes] = set()
        self._edition = 0

    def get(self, query: PostgresQuery, prepare: bool | None = None) -> tuple[Prepare, bytes]:
        name = self._name(self.key(query)) if prepare else None
        if name is None:
            return Prepare.NO, b""
        is_known = name in self._known
        self._known.add(name)
        return Prepare.YES if is_known else Prepare.SHOULD, name

    def maybe_add_to_cache(self, query: PostgresQuery, prep: Prepare, name: bytes) -> None:
        """Nothing is counted, and nothing is ever deallocated: the statements are other clients' too."""

    def learn(self, error: psycopg.Error) -> None:
        """From a name that was unknown or taken, or a statement whose result has changed."""
        if isinstance(error, errors.FeatureNotSupported):
            self._edition += 1
            self._by_statement.clear()
        elif isinstance(error, errors.InvalidSqlStatementName) and (found := search("casework_[0-9a-f]+", str(error))):
            self._known.discard(found[0].encode())

    def _name(self, key: Key) -> bytes | None:
        if key not in self._by_statement:
            if len(self._by_statement) >= MOST_PREPARED:
                return None
            digest = sha256(repr((key, self._edition)).encode()).hexdigest()[:32]
            self._by_statement[key] = f"casework_{digest}".encode()
        return self._by_statement[key]


class _AtOnce(psycopg.Pipeline):
    """A pipeline that sends everything when it ends. The driver's own sends each statement by itself, and the client, the
    pooler and the server wake for each: with short statements, that takes a fifth of the time.
    """

    _is_complete = False

    def add(self, statement: str) -> None:
        """Add a statement whose result nobody needs, except for its error: a cursor takes longer than the server."""
        self.command_queue.append(partial(self.pgconn.send_query_params, statement.encode(), None))
        self.result_queue.append(None)

    def _enqueue_sync(self) -> None:
        super()._enqueue_sync()
        self._is_complete = True

    def _communicate_gen(self) -> PQGen[None]:
        if self._is_complete:
            while self.command_queue:
                self.command_queue.popleft()()
            yield from super()._communicate_gen()


class PooledConnection(Connection):
    """A connection through a pooler. With `caches_plans`, the statements that a transaction begins with stay prepared."""

    def __init__(self, driver: psycopg.Connection[Any], *, opening: Sequence[str], caches_plans: bool) -> None:
        super().__init__(driver, opening=opening, prepares=False)
        self._caches_plans = caches_plans
        self._uses_names = False
        self._names = _Names()
        driver._prepared = self._names

    def begin_with(self, *asked: Asked, snapshot: bool = False) -> list[Rows]:
        return self._sent(partial(super().begin_with, snapshot=snapshot), asked)

    def execute_alone(self, *asked: Asked) -> list[Rows]:
        return self._sent(super().execute_alone, asked)

    def execute_together(self, *asked: Asked) -> list[Rows]:
        self._driver._pipeline = _AtOnce(self._driver)
        return super().execute_together(*asked)

    def _sent(self, send: Callable[..., list[Rows]], asked: Sequence[Asked]) -> list[Rows]:
        """Send a transaction from its beginning, and again if its server connection lacks a name."""
        if not self._caches_plans:
            return send(*asked)
        if monotonic() > self._planned + PLANS_KEPT_SECONDS:
            self._planned = monotonic()
            return self._tried(send, (_DISCARD_PLANS, *asked))[1:]
        return self._tried(send, asked)

    def _tried(self, send: Callable[..., list[Rows]], asked: Sequence[Asked]) -> list[Rows]:
        for _ in range(TRIES):
            self._uses_names = True
            try:
                return send(*asked)
            except _MISSES as error:
                self._names.learn(error)
                self.roll_back()
            finally:
                self._uses_names = False
        return send(*asked)

    def _send(self, cursor: psycopg.Cursor[Any], statement: str, bound: Mapping[str, Any]) -> psycopg.Cursor[Any]:
        pipeline = self._driver._pipeline
        if isinstance(pipeline, _AtOnce) and statement.startswith(_WITHOUT_RESULT):
            pipeline.add(statement)
            return cursor
        return cursor.execute(statement, bound, prepare=self._uses_names)

    def _note(self, error: psycopg.Error) -> None:
        """Outdated statements get other names, and the connection is kept."""
