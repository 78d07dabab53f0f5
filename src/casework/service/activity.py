"""What happens now, for somebody who watches an installation."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from casework.core.model import AgentId, QueueId, TeamId
from casework.settings import Settings
from casework.store import activity as store
from casework.store import processes as process_store
from casework.store.activity import ActiveRun, Failure, ListedRun, Place, Shown
from casework.store.database import Database
from casework.store.processes import Process

__all__ = [
    "ActiveRun",
    "Failure",
    "Failures",
    "ListedRun",
    "Place",
    "Process",
    "Processes",
    "Shown",
    "active_runs",
    "places",
    "processes",
    "runs",
]

_MOST = 500
"""Of one look. A person reads none of so many."""


class Failures:
    """Each failure of the team's runs from now on, once."""

    def __init__(self, db: Database, settings: Settings, team_id: TeamId) -> None:
        self._db, self._settings, self._team_id = db, settings, team_id
        with db.snapshot() as tx:
            self._before = self._last = store.last_event(tx)
        self._seen: set[int] = set()

    def new(self) -> list[Failure]:
        """What failed since the last call, the oldest first.

        Ids are drawn before their transactions commit. So that none is missed, each look begins where the last but one
        ended.
        """
        with self._db.snapshot() as tx:
            found = store.failures(
                tx, self._team_id, self._before, max_attempts=self._settings.max_attempts, limit=_MOST
            )
            last = store.last_event(tx)
        # A full page ends before the last line.
        end = found[-1].id if len(found) == _MOST else last
        new = [one for one in found if one.id not in self._seen]
        self._seen = {one.id for one in found if one.id > self._last}
        self._before, self._last = self._last, max(end, self._last)
        return new


def active_runs(db: Database, team_id: TeamId, limit: int) -> list[ActiveRun]:
    """The team's runs that are being worked on, the longest first."""
    with db.snapshot() as tx:
        return store.active_runs(tx, team_id, limit)


def runs(
    db: Database,
    team_id: TeamId,
    shown: Shown,
    *,
    queue_id: UUID | None = None,
    agent_id: UUID | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[ListedRun]:
    """The team's runs that were made before the run `before`, the newest first; among the newest 20,000, if they are not
    live."""
    with db.snapshot() as tx:
        return store.runs(
            tx,
            team_id,
            shown,
            queue_id=QueueId(queue_id) if queue_id else None,
            agent_id=AgentId(agent_id) if agent_id else None,
            before=before,
            limit=limit,
        )


def places(db: Database, team_id: TeamId) -> list[Place]:
    """The queues that the team's agents are connected to, and what they do there."""
    with db.snapshot() as tx:
        return store.places(tx, team_id)


@dataclass(frozen=True, slots=True)
class Processes:
    """The tickers and workers at one moment."""

    now: datetime
    found: list[Process]


def processes(db: Database) -> Processes:
    """The tickers and workers that were seen within the last day."""
    with db.snapshot() as tx:
        return Processes(tx.now, process_store.find(tx))
