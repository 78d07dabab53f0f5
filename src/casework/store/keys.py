"""Teams, API keys, and idempotency keys."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from casework.core.model import AgentId, TeamId
from casework.core.roles import Role
from casework.store.database import NOW, Tx
from casework.store.ids import new_id


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is stored: its secret only as a hash."""

    id: UUID
    team_id: TeamId
    name: str
    role: Role
    public: str
    hash: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    agent_ids: tuple[AgentId, ...]
    """The agents that a key of role agent works for."""
    may_answer: bool
    """Whether its holder may answer what runs ask, if the role may."""
    last_used_at: datetime | None
    """Accurate to ten minutes."""
    last_used_from: str | None
    """The network of the client, such as 192.0.2.0/24."""


def key_of_row(row: Any) -> StoredKey:
    return StoredKey(
        **{name: getattr(row, name) for name in KEY_COLUMNS if name not in ("role", "agent_ids")},
        role=Role(row.role),
        agent_ids=tuple(row.agent_ids),
    )


KEY_COLUMNS = tuple(field.name for field in fields(StoredKey))
_COLUMNS = ", ".join(KEY_COLUMNS)


def create(
    tx: Tx,
    team_id: TeamId,
    name: str,
    role: Role,
    public: str,
    hash: str,
    expires: timedelta | None,
    agent_ids: Sequence[AgentId] = (),
    may_answer: bool = True,
) -> StoredKey:
    """Store a key that expires after that time, if any."""
    values = {
        "id": new_id(),
        "team_id": team_id,
        "name": name,
        "role": role,
        "public": public,
        "hash": hash,
        "expires": expires,
        "agent_ids": list(agent_ids),
        "may_answer": may_answer,
    }
    return key_of_row(
        tx.sql(
            f"""
            insert into api_keys (id, team_id, name, role, public, hash, expires_at, agent_ids, may_answer, created_at)
            values (%(id)s, %(team_id)s, %(name)s, %(role)s, %(public)s, %(hash)s, {NOW} + %(expires)s, %(agent_ids)s::uuid[], %(may_answer)s, {NOW})
            returning {_COLUMNS}
            """,
            values,
        ).one()
    )


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key, and its state at this moment."""

    key: StoredKey
    valid: bool
    to_note: bool
    """Whether to record its use: it was last recorded a while ago, and the database accepts writes."""


NOTED_EVERY = timedelta(minutes=10)


def find_public(tx: Tx, public: str) -> FoundKey | None:
    """The key with that public part."""
    row = tx.sql(
        f"""
        select {_COLUMNS}, revoked_at is null and (expires_at is null or expires_at > {NOW}) as valid,
          (last_used_at is null or last_used_at < {NOW} - %(every)s) and current_setting('transaction_read_only') = 'off' as to_note
        from api_keys where public = %(public)s
        """,
        {"public": public, "every": NOTED_EVERY},
    ).one_or_none()
    return FoundKey(key_of_row(row), row.valid, row.to_note) if row else None


def note_use(tx: Tx, key_id: UUID, origin: str | None) -> None:
    """Record when and from which network a key was used, unless another transaction is doing so."""
    tx.sql(
        f"""
        update api_keys set last_used_at = {NOW}, last_used_from = %(origin)s
        where id = (select id from api_keys where id = %(id)s for no key update skip locked)
        """,
        {"id": key_id, "origin": origin},
    )


def find_one(tx: Tx, team_id: TeamId, key_id: UUID) -> StoredKey | None:
    """The team's key with that id, locked, unless it is revoked or has expired."""
    row = tx.sql(
        f"""
        select {_COLUMNS} from api_keys
        where id = %(id)s and team_id = %(team_id)s and revoked_at is null and (expires_at is null or expires_at > {NOW})
        for no key update
        """,
        {"id": key_id, "team_id": team_id},
    ).one_or_none()
    return key_of_row(row) if row else None


def expire(tx: Tx, key_id: UUID, after: timedelta) -> None:
    """Let a key expire after that time, unless it expires sooner anyway."""
    tx.sql(
        f"update api_keys set expires_at = least(expires_at, {NOW} + %(after)s) where id = %(id)s",
        {"id": key_id, "after": after},
    )


def find(tx: Tx, team_id: TeamId) -> list[StoredKey]:
    """The team's keys, the oldest first."""
    return [
        key_of_row(row)
        for row in tx.sql(
            f"select {_COLUMNS} from api_keys where team_id = %(team_id)s order by id", {"team_id": team_id}
        )
    ]


def revoke(tx: Tx, team_id: TeamId, key_id: UUID) -> bool:
    """Revoke a key; False if the team has no such key, or it is revoked already."""
    return (
        tx.sql(
            f"update api_keys set revoked_at = {NOW} where id = %(id)s and team_id = %(team_id)s and revoked_at is null",
            {"id": key_id, "team_id": team_id},
        ).rowcount
        == 1
    )


def ensure_team(tx: Tx, name: str) -> TeamId:
    """The team of that name, created if it does not exist."""
    tx.sql(
        "insert into teams (id, name) values (%(id)s, %(name)s) on conflict (name) do nothing",
        {"id": new_id(), "name": name},
    )
    found: TeamId = tx.sql("select id from teams where name = %(name)s", {"name": name}).scalar_one()
    return found


def team_named(tx: Tx, name: str) -> TeamId | None:
    found: TeamId | None = tx.sql("select id from teams where name = %(name)s", {"name": name}).scalar_one_or_none()
    return found


def begin_once(tx: Tx, team_id: TeamId, key: str, fingerprint: str) -> tuple[str, Any] | None:
    """Take an idempotency key; waits for a transaction that is using it. Returns fingerprint and answer if it was used
    before."""
    values = {"team_id": team_id, "key": key, "fingerprint": fingerprint}
    taken = tx.sql(
        f"""
        insert into idempotency_keys (team_id, key, fingerprint, created_at) values (%(team_id)s, %(key)s, %(fingerprint)s, {NOW})
        on conflict do nothing
        """,
        values,
    ).rowcount
    if taken:
        return None
    row = tx.sql(
        "select fingerprint, response from idempotency_keys where team_id = %(team_id)s and key = %(key)s", values
    ).one()
    return row.fingerprint, row.response


def finish_once(tx: Tx, team_id: TeamId, key: str, response: Any) -> None:
    """Keep the answer under the key."""
    tx.sql(
        "update idempotency_keys set response = %(response)s::json where team_id = %(team_id)s and key = %(key)s",
        {"team_id": team_id, "key": key, "response": json.dumps(response)},
    )


def forget_used(tx: Tx, age: timedelta) -> None:
    """Forget idempotency keys that are older."""
    tx.sql(f"delete from idempotency_keys where created_at < {NOW} - %(age)s", {"age": age})
