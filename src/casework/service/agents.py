"""Agents: creating them and finding them."""

from uuid import UUID

from casework.agents.runners import registry
from casework.core.model import Agent, AgentId, AgentKind, TeamId
from casework.core.names import check_group, check_name
from casework.core.unset import UNSET, Unset
from casework.errors import InvalidInput, NotFound
from casework.settings import Settings
from casework.store import agents as store
from casework.store.database import Database, Tx
from casework.wording import counted

MAX_TIMEOUT_SECONDS = 30 * 86400.0


def as_id(ref: str | UUID) -> UUID | None:
    """The reference as an id; None if it is a name."""
    if isinstance(ref, UUID):
        return ref
    try:
        return UUID(ref)
    except ValueError:
        return None


def resolve(tx: Tx, team_id: TeamId, ref: str | UUID) -> Agent:
    """The team's agent with that name or id. Raises NotFound."""
    id = as_id(ref)
    agent = (store.find_one(tx, team_id, id=id) if id else None) or store.find_one(tx, team_id, name=str(ref))
    if agent is None:
        raise NotFound("agent", ref)
    return agent


def create(
    db: Database,
    settings: Settings,
    team_id: TeamId,
    name: str,
    *,
    kind: AgentKind = AgentKind.PYTHON,
    target: str | None = None,
    max_attempts: int | None = None,
    timeout_seconds: float | None = None,
    group: str = "",
) -> Agent:
    """Create an agent. Raises InvalidInput, TargetNotAllowed and NameTaken.

    `timeout_seconds` is how long one attempt may take; None leaves it to CASEWORK_RUN_TIMEOUT_SECONDS. `group` names the group
    of workers that its runs need.
    """
    _check(kind, name, max_attempts, timeout_seconds)
    _check_group(kind, group)
    registry.check(kind, target, settings)
    with db.begin() as tx:
        return store.create(tx, team_id, name, kind, target, max_attempts, timeout_seconds, group)


def _check_group(kind: AgentKind, group: str | Unset) -> None:
    if group is UNSET or not group:
        return
    if not kind.is_dispatched:
        raise InvalidInput(f"A {kind} agent has no group of workers: it runs elsewhere.")
    check_group(group)


def _check(
    kind: AgentKind,
    name: str | Unset,
    max_attempts: int | Unset | None,
    timeout_seconds: float | Unset | None,
) -> None:
    if name is not UNSET:
        check_name("name", name)
    if max_attempts is not None and max_attempts is not UNSET and not 1 <= max_attempts <= 100:
        raise InvalidInput("max_attempts must be between 1 and 100.")
    if timeout_seconds is None or timeout_seconds is UNSET:
        return
    if not kind.is_dispatched:
        raise InvalidInput(
            f"A {kind} agent has no time limit here: it runs elsewhere, and its heartbeats show that it lives."
        )
    if not 0 < timeout_seconds <= MAX_TIMEOUT_SECONDS:
        raise InvalidInput(
            f"The time limit must be more than 0 and at most {counted(round(MAX_TIMEOUT_SECONDS / 86400), 'day')}."
        )


def get(db: Database, team_id: TeamId, ref: str | UUID) -> Agent:
    """The agent with that name or id. Raises NotFound."""
    with db.begin() as tx:
        return resolve(tx, team_id, ref)


def update(
    db: Database,
    settings: Settings,
    team_id: TeamId,
    ref: str | UUID,
    *,
    name: str | Unset = UNSET,
    target: str | Unset | None = UNSET,
    max_attempts: int | Unset | None = UNSET,
    timeout_seconds: float | Unset | None = UNSET,
    group: str | Unset = UNSET,
) -> Agent:
    """Change what is given. Raises NotFound, InvalidInput, TargetNotAllowed and NameTaken."""
    with db.begin() as tx:
        agent = resolve(tx, team_id, ref)
        _check(agent.kind, name, max_attempts, timeout_seconds)
        _check_group(agent.kind, group)
        if target is not UNSET:
            registry.check(agent.kind, target, settings)
        changed = store.change(
            tx,
            agent.id,
            name=name,
            target=target,
            max_attempts=max_attempts,
            timeout_seconds=timeout_seconds,
            group=group,
        )
    if changed is None:
        raise NotFound("agent", ref)
    return changed


def find(db: Database, team_id: TeamId) -> list[Agent]:
    """All agents of the team, by name."""
    with db.begin() as tx:
        return store.find(tx, team_id)


def keep_within(tx: Tx, agent: Agent) -> None:
    """Keep an agent from being deleted until the open transaction ends. Raises NotFound if it is gone."""
    if not store.lock_for_connecting(tx, agent.id):
        raise NotFound("agent", agent.id)


def lock_within(tx: Tx, agent_id: AgentId) -> None:
    """Lock an agent against connections to queues, inside an open transaction; waits for those under way.

    Raises NotFound if somebody else has deleted it meanwhile.
    """
    if not store.lock(tx, agent_id):
        raise NotFound("agent", agent_id)


def delete_within(tx: Tx, agent_id: AgentId) -> None:
    """Delete an agent that is not connected to any queue, inside an open transaction."""
    store.delete(tx, agent_id)


def resolve_any(tx: Tx, team_id: TeamId, agent_id: AgentId) -> Agent | None:
    """The team's agent with that id, even if it was deleted."""
    return store.find_any(tx, team_id, agent_id)
