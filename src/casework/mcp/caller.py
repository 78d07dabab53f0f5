"""Who calls, and what it may do: a key's rights are the same here and in the HTTP API."""

import getpass
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

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
    name: str
    """As others see it, in the history of a case and beside an answer."""
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
        return self.casework.db

    @property
    def identity(self) -> str:
        """Whom a task belongs to. A key that was rotated has its name, and so goes on with its tasks."""
        return f"{self.team}/{self.name}"


def of_key(
    casework: Casework, key: StoredKey, *, reads: Database | None = None, counts: Counts | None = None, turn: Any = None
) -> Caller:
    """The caller with that key."""
    return Caller(
        casework,
        key.team_id,
        f"key {key.name}",
        key.role,
        keys.rights_of(key),
        keys.agents_of(key),
        reads or casework.db,
        counts or Counts(),
        turn or nullcontext,
    )


def at_home(casework: Casework) -> Caller:
    """Who can start the process on this machine, which reads the database without a key: all rights, as for the command line.

    Raises NotFound if CASEWORK_TEAM names no team.
    """
    name = "the command line"
    with suppress(OSError, KeyError):
        name = getpass.getuser()
    return Caller(casework, casework.team_id, name, "admin", frozenset(Right), None, casework.db, Counts())
