"""Who calls, and what it may do: a key's rights are the same here and in the HTTP API."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from casework.core.model import TeamId
from casework.core.roles import Right
from casework.service import keys
from casework.service.listing import Counts
from casework.service.pull import Permitted
from casework.store.database import Database
from casework.store.keys import StoredKey
from casework.wiring import Casework

Turn = Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request."""

    casework: Casework
    team: TeamId
    key: str | None
    """The name of its key."""
    person: str | None
    """The person for whom it acts, if it says so."""
    role: str
    rights: frozenset[Right]
    permitted: Permitted
    """The agents that it may work as; None for every agent of its team."""
    reads: Database
    counts: Counts
    turn: Turn = field(default=nullcontext)
    """Waits for a turn to read, where many share the connections for reads."""

    @property
    def db(self) -> Database:
        """The database, for what the caller does: the history says that it was this key, and this person."""
        return self.casework.db.acting_for(key=self.key, person=self.person)

    @property
    def identity(self) -> str:
        """Whom a task belongs to. A key that was rotated has its name, and so goes on with its tasks."""
        return f"{self.team}/{'home' if self.key is None else f'key {self.key}'}"


def of_key(
    casework: Casework,
    key: StoredKey,
    *,
    person: str | None = None,
    reads: Database | None = None,
    counts: Counts | None = None,
    turn: Turn = nullcontext,
) -> Caller:
    """The caller with that key."""
    return Caller(
        casework,
        key.team_id,
        key.name,
        person,
        key.role,
        keys.rights_of(key),
        keys.agents_of(key),
        reads or casework.db,
        counts or Counts(),
        turn,
    )


def at_home(casework: Casework, person: str | None = None) -> Caller:
    """Who can start the process on this machine, which reads the database without a key: all rights, as for the command line.

    Raises NotFound if CASEWORK_TEAM names no team.
    """
    return Caller(casework, casework.team_id, None, person, "admin", frozenset(Right), None, casework.db, Counts())
