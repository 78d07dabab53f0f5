"""Which agents this worker can run. A tick gives their cases to others, or lets them wait for a worker that can."""

from collections.abc import Mapping

from casework import events
from casework.agents.runners import registry
from casework.core.model import AgentId
from casework.errors import CaseworkError
from casework.redaction import redacted
from casework.store import agents
from casework.wiring import Casework


class Capabilities:
    """Looks for the agents of a worker's group. What it finds it has imported: in a worker's main process before the pool forks,
    so that the pool's processes share it."""

    def __init__(self, casework: Casework) -> None:
        self._casework = casework
        self._problems: dict[AgentId, str] = {}
        self._found: set[tuple[str, str]] = set()

    @property
    def cannot_run(self) -> Mapping[AgentId, str]:
        """The agents that were looked for in vain, and why."""
        return self._problems

    def look(self) -> bool:
        """Look for agents that are new or were lacking. Returns whether anything has changed. Raises Unavailable."""
        settings = self._casework.settings
        with self._casework.db.single() as tx:
            served = agents.served_by(tx, settings.worker_group)
        problems: dict[AgentId, str] = {}
        for agent in served:
            wanted = str(agent.kind), agent.target or ""
            if wanted in self._found:
                continue
            try:
                registry.load(*wanted, settings)
                self._found.add(wanted)
            except CaseworkError as error:
                problems[agent.id] = problem = redacted(str(error), (settings.database_url, settings.redis_url))
                if self._problems.get(agent.id) != problem:
                    events.emit(events.AgentLacking(agent.name, problem))
        changed, self._problems = problems != self._problems, problems
        return changed
