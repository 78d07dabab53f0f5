"""Agents."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from casework.core.model import DISPATCHED_KINDS, Agent, AgentId, AgentKind, TeamId
from casework.errors import NameTaken
from casework.store.database import Tx
from casework.store.ids import new_id
from casework.store.tables import agents, listed

IS_DISPATCHED = f"a.kind in ({listed(DISPATCHED_KINDS)})"
"""Whether the runs of agent `a` are sent to workers."""


def _agent(row: Any) -> Agent:
    return Agent(
        AgentId(row.id),
        TeamId(row.team_id),
        row.name,
        AgentKind(row.kind),
        row.target,
        row.max_attempts,
        row.timeout_seconds,
        row.created_at,
    )


def create(
    tx: Tx,
    team_id: TeamId,
    name: str,
    kind: AgentKind,
    target: str | None,
    max_attempts: int | None,
    timeout_seconds: float | None,
) -> Agent:
    """Create an agent. Raises NameTaken."""
    values = {
        "id": new_id(),
        "team_id": team_id,
        "name": name,
        "kind": kind,
        "target": target,
        "max_attempts": max_attempts,
        "timeout_seconds": timeout_seconds,
    }
    try:
        with tx.connection.begin_nested():
            return _agent(tx.execute(insert(agents).values(values).returning(agents)).one())
    except IntegrityError as error:
        raise NameTaken(f"There is an agent named {name!r} already.") from error


def find_one(tx: Tx, team_id: TeamId, *, id: UUID | None = None, name: str | None = None) -> Agent | None:
    """The team's agent with that id or that name."""
    statement = select(agents).where(
        agents.c.team_id == team_id, agents.c.deleted_at.is_(None), agents.c.id == id if id else agents.c.name == name
    )
    row = tx.execute(statement).one_or_none()
    return _agent(row) if row else None


def find(tx: Tx, team_id: TeamId) -> list[Agent]:
    """The team's agents, by name."""
    statement = select(agents).where(agents.c.team_id == team_id, agents.c.deleted_at.is_(None)).order_by(agents.c.name)
    return [_agent(row) for row in tx.execute(statement)]


def lock_for_connecting(tx: Tx, agent_id: AgentId) -> bool:
    """Keep the agent from being deleted until this transaction ends; False where it is gone."""
    statement = "select 1 from agents where id = %(id)s and deleted_at is null for share"
    return tx.sql(statement, {"id": agent_id}).one_or_none() is not None


def lock(tx: Tx, agent_id: AgentId) -> bool:
    """Lock the agent's row against connections and other changes; False if it is gone."""
    statement = "select 1 from agents where id = %(id)s and deleted_at is null for no key update"
    return tx.sql(statement, {"id": agent_id}).one_or_none() is not None


def delete(tx: Tx, agent_id: AgentId) -> None:
    """Delete an agent; its row stays for the runs that name it."""
    tx.execute(update(agents).where(agents.c.id == agent_id).values(deleted_at=tx.now))


def find_any(tx: Tx, team_id: TeamId, agent_id: AgentId) -> Agent | None:
    """The team's agent with that id, even if it was deleted."""
    row = tx.execute(select(agents).where(agents.c.team_id == team_id, agents.c.id == agent_id)).one_or_none()
    return _agent(row) if row else None


def change(tx: Tx, agent_id: AgentId, changes: dict[str, Any]) -> Agent:
    """Change name, target, number of attempts or time limit. Raises NameTaken."""
    try:
        with tx.connection.begin_nested():
            return _agent(
                tx.execute(update(agents).where(agents.c.id == agent_id).values(**changes).returning(agents)).one()
            )
    except IntegrityError as error:
        raise NameTaken(f"There is an agent named {changes['name']!r} already.") from error
