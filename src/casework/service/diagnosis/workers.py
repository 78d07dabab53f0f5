"""Which workers can run which agents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from casework.core.capacity import Worker
from casework.core.model import Agent, AgentId
from casework.settings import Settings
from casework.store import processes
from casework.store.database import Database
from casework.wording import command


@dataclass(frozen=True, slots=True)
class Service:
    """The workers of an agent's group: those that can run it, and what the others lack."""

    group: str
    able: list[str] = field(default_factory=list)
    unable: Mapping[str, str] = field(default_factory=dict)

    @property
    def problem(self) -> str | None:
        """Why no worker can run it; None if one can."""
        if self.able:
            return None
        if self.unable:
            worker, why = next(iter(self.unable.items()))
            return f"no worker can run it; {worker} says: {why}"
        if self.group:
            return f"no worker serves the group {self.group}: `{command('worker', '--group', self.group)}`"
        return "no worker without a group was seen: start `casework worker`"


def service_of(db: Database, settings: Settings, agents: Iterable[Agent]) -> dict[AgentId, Service]:
    """The workers of each agent that is sent to workers, as far as they were seen lately."""
    with db.snapshot() as tx:
        workers = processes.workers(tx, settings.worker_silence)
    return {agent.id: _service(agent, workers) for agent in agents if agent.kind.is_dispatched}


def _service(agent: Agent, workers: list[Worker]) -> Service:
    group = [one for one in workers if one.group == agent.group]
    unable = {one.id: one.cannot_run[agent.id] for one in group if agent.id in one.cannot_run}
    return Service(agent.group, [one.id for one in group if one.id not in unable], unable)
