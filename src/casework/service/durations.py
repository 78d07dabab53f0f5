"""How long the runs of an agent take, measured, so that short ones may share a message."""

from collections.abc import Iterable
from time import monotonic

from casework.core.model import AgentId
from casework.settings import Settings
from casework.store import runs
from casework.store.database import Database

REMEMBERED_SECONDS = 0.3
UNKNOWN_SECONDS = 0.1


class RunDurations:
    """Asks the database for an agent's latest runs, now and then."""

    def __init__(self) -> None:
        self._known: dict[AgentId, tuple[float | None, float]] = {}

    def of(self, db: Database, settings: Settings, agents: Iterable[AgentId]) -> dict[AgentId, float]:
        """Seconds that most runs of each agent take, without agents that need a message for each run."""
        now = monotonic()
        asked = set(agents)
        unknown = [agent for agent in asked if agent not in self._known or self._known[agent][1] < now]
        if unknown:
            with db.single() as tx:
                found = runs.durations(
                    tx,
                    unknown,
                    longest=settings.bundle_seconds,
                    max_attempts=settings.max_attempts,
                    outstanding=settings.outstanding_runs,
                )
            for agent in unknown:
                seconds = found.get(agent)
                self._known[agent] = seconds, now + (UNKNOWN_SECONDS if seconds is None else REMEMBERED_SECONDS)
        return {agent: seconds for agent in asked if (seconds := self._known[agent][0]) is not None}
