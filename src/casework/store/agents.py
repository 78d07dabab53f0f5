from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation

from casework.core.model import DISPATCHED_KINDS, Agent, AgentId, AgentKind, TeamId
from casework.core.unset import UNSET, Unset, given
from casework.errors import NameTaken
from casework.store.database import NOW, Tx
from casework.store.ids import new_id
from casework.store.literals import listed

IS_DISPATCHED = f"a.kind in ({listed(DISPATCHED_KINDS)})"
"""Whether the runs of agent `a` are sent to workers."""

_COLUMNS = "id, team_id, name, kind, target, max_attempts, timeout_seconds, worker_group as group, created_at"


def _agent(row: Any) -> Agent:
    return Agent(**{**row._asdict(), "kind": AgentKind(row.kind)})


def create(
    tx: Tx,
    team_id: TeamId,
    name: str,
    kind: AgentKind,
    target: str | None,
    max_attempts: int | None,
    timeout_seconds: float | None,
    group: str,
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
        "group": group,
    }
    statement = f"""
        insert into agents (id, team_id, name, kind, target, max_attempts, timeout_seconds, worker_group, created_at)
        values (%(id)s, %(team_id)s, %(name)s, %(kind)s, %(target)s, %(max_attempts)s, %(timeout_seconds)s, %(group)s, {NOW}) returning {_COLUMNS}
    """
    try:
        return _agent(tx.sql(statement, values).one())
    except UniqueViolation as error:
        raise NameTaken(f"An agent named {name!r} already exists.") from error


def find_one(tx: Tx, team_id: TeamId, *, id: UUID | None = None, name: str | None = None) -> Agent | None:
    """The team's agent with that id or that name."""
    by = "id = %(id)s" if id else "name = %(name)s"
    row = tx.sql(
        f"select {_COLUMNS} from agents where team_id = %(team_id)s and deleted_at is null and {by}",
        {"team_id": team_id, "id": id, "name": name},
    ).one_or_none()
    return _agent(row) if row else None


def find(tx: Tx, team_id: TeamId) -> list[Agent]:
    """The team's agents, by name."""
    rows = tx.sql(
        f"select {_COLUMNS} from agents where team_id = %(team_id)s and deleted_at is null order by name",
        {"team_id": team_id},
    )
    return [_agent(row) for row in rows]


def served_by(tx: Tx, group: str) -> list[Agent]:
    """The agents of all teams whose runs are sent to the workers of a group; "" for workers without a group."""
    statement = f"select {_COLUMNS} from agents a where {IS_DISPATCHED} and worker_group = %(group)s and deleted_at is null order by id"
    return [_agent(row) for row in tx.sql(statement, {"group": group})]


def lock_for_connecting(tx: Tx, agent_id: AgentId) -> bool:
    """Keep the agent from being deleted until this transaction ends; False if it is gone."""
    statement = "select 1 from agents where id = %(id)s and deleted_at is null for share"
    return tx.sql(statement, {"id": agent_id}).one_or_none() is not None


def lock(tx: Tx, agent_id: AgentId) -> bool:
    """Lock the agent's row against connections to queues and other changes; False if it is gone."""
    statement = "select 1 from agents where id = %(id)s and deleted_at is null for no key update"
    return tx.sql(statement, {"id": agent_id}).one_or_none() is not None


def delete(tx: Tx, agent_id: AgentId) -> None:
    """Delete an agent; its row stays for the runs that name it."""
    tx.sql(f"update agents set deleted_at = {NOW} where id = %(id)s", {"id": agent_id})


def find_any(tx: Tx, team_id: TeamId, agent_id: AgentId) -> Agent | None:
    """The team's agent with that id, even if it was deleted."""
    row = tx.sql(
        f"select {_COLUMNS} from agents where team_id = %(team_id)s and id = %(id)s",
        {"team_id": team_id, "id": agent_id},
    ).one_or_none()
    return _agent(row) if row else None


def change(
    tx: Tx,
    agent_id: AgentId,
    *,
    name: str | Unset = UNSET,
    target: str | Unset | None = UNSET,
    max_attempts: int | Unset | None = UNSET,
    timeout_seconds: float | Unset | None = UNSET,
    group: str | Unset = UNSET,
) -> Agent | None:
    """Change what is given; None if the agent was deleted. Raises NameTaken."""
    changes = given(
        name=name, target=target, max_attempts=max_attempts, timeout_seconds=timeout_seconds, worker_group=group
    )
    assigned = ", ".join(f"{column} = %({column})s" for column in changes) or "name = name"
    statement = f"update agents set {assigned} where id = %(id)s and deleted_at is null returning {_COLUMNS}"
    try:
        row = tx.sql(statement, {"id": agent_id, **changes}).one_or_none()
    except UniqueViolation as error:
        raise NameTaken(f"An agent named {name!r} already exists.") from error
    return _agent(row) if row else None
