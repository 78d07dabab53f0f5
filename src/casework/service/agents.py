"""Agents: creating them and finding them."""

from typing import Any
from uuid import UUID

from casework.agents import targets
from casework.core.model import Agent, AgentId, AgentKind, TeamId
from casework.core.names import check_name
from casework.errors import InvalidInput, NotFound
from casework.settings import Settings
from casework.store import agents as store
from casework.store.database import Database, Tx


def as_id(ref: str | UUID) -> UUID | None:
    """The reference as an id, where it is one."""
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
) -> Agent:
    """Create an agent. Raises InvalidInput, TargetNotAllowed and NameTaken."""
    check_name("name", name)
    if max_attempts is not None and not 1 <= max_attempts <= 100:
        raise InvalidInput("max_attempts must be between 1 and 100.")
    if kind is AgentKind.PYTHON:
        if target is None:
            raise InvalidInput("A python agent needs a target: module:function.")
        targets.check_allowed(target, settings.modules)
    elif target is not None:
        raise InvalidInput("Only a python agent has a target.")
    with db.begin() as tx:
        return store.create(tx, team_id, name, kind, target, max_attempts)


def get(db: Database, team_id: TeamId, ref: str | UUID) -> Agent:
    """The agent with that name or id. Raises NotFound."""
    with db.begin() as tx:
        return resolve(tx, team_id, ref)


def update(db: Database, settings: Settings, team_id: TeamId, ref: str | UUID, changes: dict[str, Any]) -> Agent:
    """Change `name`, `target` or `max_attempts`. Raises NotFound, InvalidInput, TargetNotAllowed and NameTaken."""
    if "name" in changes:
        check_name("name", changes["name"])
    with db.begin() as tx:
        agent = resolve(tx, team_id, ref)
        if "target" in changes:
            if (agent.kind is AgentKind.PYTHON) != (changes["target"] is not None):
                raise InvalidInput("A python agent has a target, and no other agent has.")
            if changes["target"] is not None:
                targets.check_allowed(changes["target"], settings.modules)
        return store.change(tx, agent.id, changes)


def find(db: Database, team_id: TeamId) -> list[Agent]:
    """All agents of the team, by name."""
    with db.begin() as tx:
        return store.find(tx, team_id)


def keep_within(tx: Tx, agent: Agent) -> None:
    """Keep an agent from being deleted until the open transaction ends. Raises NotFound where it is gone."""
    if not store.lock_for_connecting(tx, agent.id):
        raise NotFound("agent", agent.id)


def lock_within(tx: Tx, agent_id: AgentId) -> None:
    """Wait for those who connect an agent, and let nobody else, inside a transaction that is open."""
    store.lock(tx, agent_id)


def delete_within(tx: Tx, agent_id: AgentId) -> None:
    """Delete an agent that is connected to no queue, inside a transaction that is open."""
    store.delete(tx, agent_id)


def resolve_any(tx: Tx, team_id: TeamId, agent_id: AgentId) -> Agent | None:
    """The team's agent with that id, even if it was deleted."""
    return store.find_any(tx, team_id, agent_id)
