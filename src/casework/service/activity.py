"""What happens now, for somebody who watches an installation."""

from casework.core.model import TeamId
from casework.settings import Settings
from casework.store import activity as store
from casework.store.activity import ActiveRun, Failure
from casework.store.database import Database

__all__ = ["ActiveRun", "Failure", "Failures", "active_runs"]

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
