"""Transactions on the database, each with one moment in time, and casework's own errors."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import copy
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from casework.store import server
from casework.store.connection import Asked, Connection, Rows
from casework.store.pool import Pool
from casework.store.sqlstates import in_own_words

Clock = Callable[[], datetime]

NOW = "coalesce(%(now)s::timestamptz, now())"
"""The moment of a transaction: its start, or the clock of a test. now() is stable, so comparisons with it can use an
index."""


class Actor(NamedTuple):
    """Who acts: the name of a key of the API, and that of a person. Neither for the system, and for agents."""

    key: str | None = None
    person: str | None = None

    @property
    def names(self) -> list[str]:
        """The names by which a request may be assigned to it."""
        return [name for name in self if name]

    @property
    def shown(self) -> str | None:
        """As it stands beside an answer: the person, or else the key."""
        return self.person or (f"key {self.key}" if self.key else None)


NOBODY = Actor()


class Tx:
    """One transaction. All of its statements see one moment: see NOW."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock | None,
        *,
        begun: bool,
        single: bool = False,
        snapshot: bool = False,
        actor: Actor = NOBODY,
    ) -> None:
        """`begun` is False if the first statement begins the transaction, and `single` if it also ends it."""
        self.connection = connection
        self.begun = begun
        self.actor = actor
        self._single, self._snapshot = single, snapshot
        self._sent = False
        self.fixed_now = clock() if clock else None
        self._now = self.fixed_now
        self._always = {"now": self.fixed_now, "by_key": actor.key, "by_person": actor.person}

    @property
    def now(self) -> datetime:
        """The moment of the transaction, aware, in UTC. The first access sends a statement."""
        if self._now is None:
            self._now = self.sql("select now()").scalar_one()
        return self._now

    @property
    def is_direct(self) -> bool:
        """Whether the connection is direct, without a pooler."""
        return self.connection.is_direct

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        """Run one statement, with `%(name)s` for parameters, `%(name)b` for those that go in binary.

        `%(now)s` is bound in every statement: the clock of a test, or NULL; see NOW. So are `%(by_key)s` and
        `%(by_person)s`: who acts.
        """
        bound = self.bound(parameters or {})
        if self.begun:
            return self.connection.execute(statement, bound)
        return self._begun_with((statement, bound))[0]

    def together(self, *asked: Asked) -> list[Rows]:
        """Run several statements in one round trip. Each has its own snapshot, as with `sql`."""
        bound = [(statement, self.bound(parameters)) for statement, parameters in asked]
        if self.begun:
            return self.connection.execute_together(*bound)
        return self._begun_with(*bound)

    def bound(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The parameters of a statement, with those that are bound in every one."""
        return {**self._always, **parameters}

    def _begun_with(self, *bound: Asked) -> list[Rows]:
        if self._single:
            assert not self._sent, "db.single() sends once; db.begin() is for several statements"
            self._sent = True
            return self.connection.execute_alone(*bound)
        self.begun = True
        return self.connection.begin_with(*bound, snapshot=self._snapshot)


class Database:
    """Opens transactions. Make one for each process, after a fork."""

    actor: Actor = NOBODY
    """On whose behalf."""

    def __init__(
        self,
        url: str,
        *,
        application: str = "casework",
        pool_size: int = 5,
        clock: Clock | None = None,
        caches_plans: bool = False,
        statement_seconds: float = 0,
    ) -> None:
        """`statement_seconds` is how long a statement may take; 0 means no limit. Raises InvalidSettings if the URL
        cannot be read."""
        self.clock = clock
        self.url = server.checked(url)
        made = dict(server.CACHED_PLANS if caches_plans else server.CUSTOM_PLANS)
        if statement_seconds:
            made["statement_timeout"] = f"{int(statement_seconds * 1000)}ms"
        self._pool = Pool(lambda: server.connect(self.url, application, made), pool_size)

    def acting_for(self, *, key: str | None = None, person: str | None = None) -> "Database":
        """The same database, on behalf of somebody: what is done through it is recorded as theirs."""
        same = copy(self)
        same.actor = Actor(key, person)
        return same

    def begin(self) -> AbstractContextManager[Tx]:
        """One transaction: committed at the end of the block, rolled back when an error leaves it.

        Raises DatabaseUnavailable and SchemaOutdated.
        """
        return self._transaction()

    def snapshot(self) -> AbstractContextManager[Tx]:
        """A read-only transaction with one snapshot. The server refuses row locks in it: no claim skips a case for it.

        Raises DatabaseUnavailable and SchemaOutdated.
        """
        return self._transaction(snapshot=True)

    def single(self) -> AbstractContextManager[Tx]:
        """A transaction of one statement, or of several sent together, in one round trip instead of three.

        Raises DatabaseUnavailable and SchemaOutdated, and AssertionError at a second statement.
        """
        return self._transaction(single=True)

    @contextmanager
    def _transaction(self, *, single: bool = False, snapshot: bool = False) -> Iterator[Tx]:
        connection = self._pool.lend()
        tx = Tx(connection, self.clock, begun=False, single=single, snapshot=snapshot, actor=self.actor)
        try:
            yield tx
            if tx.begun:
                connection.commit()
        except BaseException as error:
            with suppress(psycopg.Error):
                connection.roll_back()
            if isinstance(error, psycopg.Error) and (own := in_own_words(error, server.shown(self.url))):
                raise own from error
            raise
        finally:
            self._pool.take_back(connection)

    def plan_again(self) -> None:
        """Let the statements of the next transaction be planned again."""
        self._pool.plan_again()

    def close(self) -> None:
        self._pool.close()
