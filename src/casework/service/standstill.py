"""Why a queue stands still: a table of causes, each looked for in what the queue holds now."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from casework.core.model import Agent, AgentId, Consumer, Queue, QueueMode, TeamId
from casework.core.plan import free_slots
from casework.service.health import missing
from casework.settings import Settings
from casework.store import agents as agent_store
from casework.store import queues as queue_store
from casework.store import standing
from casework.store.database import Database, Tx
from casework.store.standing import Slots, Waiting

_SOON = timedelta(seconds=10)
"""What is ready is claimed, and what is claimed is started, within this time, where nothing is in its way."""

_HANGS = timedelta(minutes=5)
"""Slots that are all in use, and none of which was taken anew for so long: their runs hang, or take long."""

_SENT_IN_VAIN = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """What a queue holds at one moment."""

    tx: Tx
    settings: Settings
    now: datetime
    queue: Queue
    agents: dict[AgentId, Agent]
    consumers: list[Consumer]
    slots: dict[AgentId, Slots]
    taken: dict[AgentId, datetime]

    def seconds(self, since: datetime) -> str:
        """How long ago that was."""
        return f"{(self.now - since).total_seconds():.0f} s"

    def is_dispatched(self, agent_id: AgentId) -> bool | None:
        """Whether the agent's runs are sent to workers; None if it was deleted."""
        return self.agents[agent_id].kind.is_dispatched if agent_id in self.agents else None

    def takers(self, waiting: Waiting) -> list[Consumer]:
        """The consumers that may take what waits."""
        if waiting.agent_id is None:
            return [one for one in self.consumers if one.trigger]
        return [one for one in self.consumers if one.agent_id == waiting.agent_id]

    def roomy(self, waiting: Waiting, *, dispatched: bool) -> list[Consumer]:
        """Those of them that have a free slot, and whose runs are sent to workers, or are not."""
        free = [one for one in self.takers(waiting) if self._free(one)]
        return [one for one in free if self.is_dispatched(one.agent_id) is dispatched]

    def _free(self, consumer: Consumer) -> int:
        held = self.slots.get(consumer.agent_id)
        return free_slots(
            concurrency=consumer.concurrency,
            pending=held.pending if held else 0,
            running=held.running if held else 0,
            outstanding=self.settings.outstanding_runs,
        )

    def last_taken(self, agents: Iterable[AgentId]) -> datetime | None:
        """When one of these agents last was given a case, or began with one."""
        return max((self.taken[agent] for agent in agents if agent in self.taken), default=None)

    def hang(self, agents: Iterable[AgentId]) -> bool:
        """Whether none of them was given anything, or began with anything, for long."""
        taken = self.last_taken(agents)
        return taken is None or self.now - taken >= _HANGS


def queues(db: Database, settings: Settings, team_id: TeamId) -> Iterator[tuple[Queue, str | None]]:
    """Each queue, and why it stands still; None where it does not."""
    with db.begin() as tx:
        agents = {agent.id: agent for agent in agent_store.find(tx, team_id)}
        found = [(queue, _trouble(_look(tx, settings, queue, agents))) for queue in queue_store.find(tx, team_id)]
    yield from found


def _look(tx: Tx, settings: Settings, queue: Queue, agents: dict[AgentId, Agent]) -> Standing:
    consumers = queue_store.consumers_of(tx, queue.id)
    slots, taken = standing.slots(tx, queue.id), standing.last_taken(tx, queue.id)
    return Standing(tx, settings, tx.now, queue, agents, consumers, slots, taken)


def _trouble(held: Standing) -> str | None:
    if unstarted := _unstarted(held):
        return unstarted
    for waiting in standing.waiting(held.tx, held.queue.id, held.now - _SOON):
        cause = next(filter(None, (look(held, waiting) for look in CAUSES)), None)
        if cause:
            return f"cases are ready since {held.seconds(waiting.since)}, but {cause}"
    return None


def _unstarted(held: Standing) -> str | None:
    """Runs that are claimed, and that no worker starts."""
    sent = {id: slots for id, slots in held.slots.items() if held.is_dispatched(id)}
    since = min((slots.pending_since for slots in sent.values() if slots.pending_since), default=held.now)
    if held.now - since < _SOON:
        return None
    claimed = f"runs are claimed since {held.seconds(since)} and not started"
    if lacking := missing(held.tx, held.settings, "worker"):
        return f"{claimed}: {lacking}"
    if any(slots.running for slots in sent.values()):
        return f"{claimed}, and those that are executed hang: {_runs(held)}" if held.hang(sent) else None
    sends = max(slots.sends for slots in sent.values())
    if sends < _SENT_IN_VAIN:
        return None
    if standing.running_elsewhere(held.tx, held.queue.id):
        return f"{claimed}: the workers are busy with other queues; `casework worker` starts one more"
    return f"{claimed}, although messages were sent {sends} times: do the workers and the broker see each other?"


def _runs(held: Standing) -> str:
    return f"casework runs list --queue {held.queue.name} --status running"


Cause = Callable[[Standing, Waiting], str | None]


def _not_active(held: Standing, waiting: Waiting) -> str | None:
    mode = held.queue.mode
    stands = mode is QueueMode.PAUSED or (mode is QueueMode.DRAINING and not waiting.resumed)
    return f"the queue is {mode}: casework queues resume {held.queue.name}" if stands else None


def _blocked(held: Standing, _: Waiting) -> str | None:
    count = standing.blocked(held.tx, held.queue.id, held.now - _SOON)
    lacking = missing(held.tx, held.settings, "ticker")
    told = f"{count} of them wait for former runs that did not stop, which a tick ends"
    return (f"{told}: {lacking}" if lacking else told) if count else None


def _no_taker(held: Standing, waiting: Waiting) -> str | None:
    connect = f"casework consumers set {held.queue.name}"
    if held.takers(waiting):
        return None
    if waiting.agent_id is not None:
        agent = held.agents.get(waiting.agent_id)
        name = agent.name if agent else "AGENT"
        return (
            f"they are meant for {name if agent else 'an agent that is gone'}, which is no consumer: {connect} {name}"
        )
    return "no consumer has its trigger on" if held.consumers else f"it has no consumers: {connect} AGENT"


def _full(held: Standing, waiting: Waiting) -> str | None:
    """At the limit is as it should be, as long as slots change hands."""
    agents = [one.agent_id for one in held.takers(waiting)]
    taken = held.last_taken(agents)
    if taken is None or any(held.roomy(waiting, dispatched=one) for one in (True, False)) or not held.hang(agents):
        return None
    names = ", ".join(one.agent_name for one in held.takers(waiting))
    return f"all slots of {names} are in use, and none was taken anew since {held.seconds(taken)}: {_runs(held)}"


def _not_asked(held: Standing, waiting: Waiting) -> str | None:
    """A program that works on one case after the other asks for the next one when it is done."""
    silent = held.roomy(waiting, dispatched=False)
    if not silent or not held.hang(one.agent_id for one in held.takers(waiting)):
        return None
    return f"{', '.join(one.agent_name for one in silent)} has room, and does not ask for work"


def _not_claimed(held: Standing, waiting: Waiting) -> str | None:
    if not held.roomy(waiting, dispatched=True):
        return None
    return missing(held.tx, held.settings, "ticker") or "no tick claims them, although their consumers have room"


CAUSES: tuple[Cause, ...] = (_not_active, _blocked, _no_taker, _full, _not_claimed, _not_asked)
"""In the order in which they are told: the first that holds is what has to be mended first."""
