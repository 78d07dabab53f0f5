"""Queues and their consumers."""

from uuid import UUID

from casework.core.effects import Committed, Effects
from casework.core.model import AgentId, Consumer, Queue, QueueId, QueueMode, QueueStats, RunId, TeamId
from casework.core.names import check_name
from casework.core.payload import check_text
from casework.core.shares import MAX_WEIGHT, MIN_WEIGHT
from casework.core.unset import UNSET, Unset
from casework.errors import InvalidInput, NotAConsumer, NotFound
from casework.service import agents, cases, overrides
from casework.settings import Settings
from casework.store import counters as counter_store
from casework.store import limits, runs, transitions
from casework.store import queues as store
from casework.store.database import Database, Tx


def resolve(tx: Tx, team_id: TeamId, ref: str | UUID) -> Queue:
    """The team's queue with that name or id. Raises NotFound."""
    id = agents.as_id(ref)
    queue = (store.find_one(tx, team_id, id=id) if id else None) or store.find_one(tx, team_id, name=str(ref))
    if queue is None:
        raise NotFound("queue", ref)
    return queue


def _there(queue: Queue | None, ref: str | UUID) -> Queue:
    """A queue that may have been deleted since it was found. Raises NotFound."""
    if queue is None:
        raise NotFound("queue", ref)
    return queue


def create(db: Database, team_id: TeamId, name: str, description: str | None = None) -> Queue:
    """Create a queue. Raises InvalidInput and NameTaken."""
    _check(name, description)
    with db.begin() as tx:
        return store.create(tx, team_id, name, description)


def _check(name: str | Unset, description: str | Unset | None) -> None:
    if name is not UNSET:
        check_name("name", name)
    if description is not None and description is not UNSET:
        check_text("description", description, most=500)


def get(db: Database, team_id: TeamId, ref: str | UUID) -> Queue:
    """The queue with that name or id. Raises NotFound."""
    with db.begin() as tx:
        return resolve(tx, team_id, ref)


def find(db: Database, team_id: TeamId) -> list[Queue]:
    """All queues of the team, by name."""
    with db.begin() as tx:
        return store.find(tx, team_id)


def update(
    db: Database,
    team_id: TeamId,
    ref: str | UUID,
    *,
    name: str | Unset = UNSET,
    description: str | Unset | None = UNSET,
) -> Queue:
    """Change what is given. Raises NotFound, InvalidInput and NameTaken."""
    _check(name, description)
    with db.begin() as tx:
        return _there(store.change(tx, resolve(tx, team_id, ref).id, name=name, description=description), ref)


def stats(db: Database, team_id: TeamId, ref: str | UUID) -> QueueStats:
    """What the queue holds now. Raises NotFound."""
    with db.begin() as tx:
        return store.stats(tx, resolve(tx, team_id, ref).id)


def find_with_stats(db: Database, team_id: TeamId) -> list[tuple[Queue, QueueStats]]:
    """All queues of the team, by name, with what they hold. All are of one moment, so none is missing that was deleted meanwhile."""
    with db.snapshot() as tx:
        return [(queue, store.stats(tx, queue.id)) for queue in store.find(tx, team_id)]


def counters(db: Database, team_id: TeamId, ref: str | UUID) -> dict[str, int]:
    """The queue's counters of what went wrong. Raises NotFound."""
    with db.begin() as tx:
        return counter_store.of_queue(tx, resolve(tx, team_id, ref).id)


def set_mode(db: Database, team_id: TeamId, ref: str | UUID, mode: QueueMode) -> Committed[Queue]:
    """Pause, drain or activate a queue. After it returns, no claim is made that the mode does not permit."""
    with db.begin() as tx:
        queue = _there(store.set_mode(tx, resolve(tx, team_id, ref).id, mode), ref)
    return Committed(queue, Effects(nudge=mode is not QueueMode.PAUSED))


def release_live_runs(db: Database, settings: Settings, team_id: TeamId, ref: str | UUID) -> Committed[int]:
    """Ask the running runs of a queue to stop and release their cases, and release those that have not started."""
    with db.begin() as tx:
        queue = resolve(tx, team_id, ref)
        released = overrides.release_unstarted(tx, runs.pending_of(tx, queue.id))
    # In a separate transaction: a worker that goes from one run to the next locks both, the older one first.
    with db.begin() as tx:
        asked = transitions.ask_to_release(tx, settings.grace, queue_id=queue.id)
    return Committed(released + len(asked), Effects(stops=tuple(asked)))


def delete(db: Database, settings: Settings, team_id: TeamId, ref: str | UUID) -> Committed[tuple[int, list[RunId]]]:
    """Delete a queue with its cases; live runs are interrupted. Returns the number of deleted cases, and the
    interrupted runs. Raises NotFound, also if another request was first.
    """
    queue = set_mode(db, team_id, ref, QueueMode.PAUSED).value
    cleared = cases.clear(db, settings, team_id, queue.id)
    with db.begin() as tx:
        store.lock(tx, queue.id)
        limits.delete_of_queue(tx, queue.id)
        rest = cases.clear_within(tx, settings, queue.id)
        if not store.delete(tx, queue.id):
            # Runs that this transaction interrupted learn of it at their next heartbeat.
            raise NotFound("queue", ref)
    count, interrupted = cleared.value[0] + rest[0], cleared.value[1] + rest[1]
    return Committed((count, interrupted), Effects(stops=tuple(interrupted)))


def consumers(db: Database, team_id: TeamId, ref: str | UUID) -> list[Consumer]:
    """The consumers of a queue. Raises NotFound."""
    with db.begin() as tx:
        return store.consumers_of(tx, resolve(tx, team_id, ref).id)


def set_consumer(
    db: Database,
    team_id: TeamId,
    queue_ref: str | UUID,
    agent_ref: str | UUID,
    *,
    trigger: bool,
    concurrency: int | None,
    weight: float = 1.0,
) -> Committed[Consumer]:
    """Connect an agent to a queue, or change how it is connected. A concurrency of None means no limit. `weight` is its share of
    the workers, beside the weights of others. Raises NotFound and InvalidInput."""
    if not MIN_WEIGHT <= weight <= MAX_WEIGHT:
        raise InvalidInput(f"The weight must be between {MIN_WEIGHT:g} and {MAX_WEIGHT:g}.")
    if concurrency is not None and not 1 <= concurrency <= 100_000:
        raise InvalidInput("The concurrency must be between 1 and 100000, or none.")
    with db.begin() as tx:
        queue, agent = resolve(tx, team_id, queue_ref), agents.resolve(tx, team_id, agent_ref)
        if not store.lock_for_connecting(tx, queue.id):
            raise NotFound("queue", queue_ref)
        agents.keep_within(tx, agent)
        store.set_consumer(tx, queue.id, agent.id, trigger, concurrency, weight)
        consumer = next(one for one in store.consumers_of(tx, queue.id) if one.agent_id == agent.id)
    return Committed(consumer, Effects(nudge=True))


def remove_consumer(
    db: Database, settings: Settings, team_id: TeamId, queue_ref: str | UUID, agent_ref: str | UUID
) -> Committed[list[RunId]]:
    """Disconnect an agent: its live runs are interrupted, and cases that were delegated to it go back to all
    consumers."""
    with db.begin() as tx:
        queue, agent = resolve(tx, team_id, queue_ref), agents.resolve(tx, team_id, agent_ref)
        interrupted = disconnect(tx, settings, queue.id, agent.id)
        if interrupted is None:
            raise NotAConsumer(f"The agent {agent.name!r} is not a consumer of the queue {queue.name!r}.")
    return Committed(interrupted, Effects(stops=tuple(interrupted), nudge=True))


def disconnect(tx: Tx, settings: Settings, queue_id: QueueId, agent_id: AgentId) -> list[RunId] | None:
    """Disconnect within a transaction; None if the agent was not connected."""
    if not store.remove_consumer(tx, queue_id, agent_id):
        return None
    return overrides.take_back_from(tx, settings, queue_id, agent_id)


def delete_agent(db: Database, settings: Settings, team_id: TeamId, ref: str | UUID) -> Committed[list[RunId]]:
    """Disconnect an agent from all its queues and delete it. Its finished runs keep its name."""
    interrupted: list[RunId] = []
    with db.begin() as tx:
        agent = agents.resolve(tx, team_id, ref)
        agents.lock_within(tx, agent.id)
        limits.delete_of_agent(tx, agent.id)
        for queue_id in store.queues_of_agent(tx, agent.id):
            interrupted += disconnect(tx, settings, queue_id, agent.id) or []
        agents.delete_within(tx, agent.id)
    return Committed(interrupted, Effects(stops=tuple(interrupted), nudge=True))
