"""Teams, API keys, and requests that must not be done twice."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from casework.core.model import TeamId
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


def _key(row: Any) -> StoredKey:
    return StoredKey(**{**row._asdict(), "role": Role(row.role)})


_COLUMNS = "id, team_id, name, role, public, hash, created_at, expires_at, revoked_at"


def create(
    tx: Tx, team_id: TeamId, name: str, role: Role, public: str, hash: str, expires_at: datetime | None
) -> StoredKey:
    """Store a key."""
    values = {
        "id": new_id(),
        "team_id": team_id,
        "name": name,
        "role": role,
        "public": public,
        "hash": hash,
        "expires_at": expires_at,
    }
    return _key(
        tx.sql(
            f"""
            insert into api_keys (id, team_id, name, role, public, hash, expires_at, created_at)
            values (%(id)s, %(team_id)s, %(name)s, %(role)s, %(public)s, %(hash)s, %(expires_at)s, {NOW}) returning {_COLUMNS}
            """,
            values,
        ).one()
    )


def find_public(tx: Tx, public: str) -> tuple[StoredKey, bool] | None:
    """The key with that public part, and whether it is valid now."""
    row = tx.sql(
        f"select {_COLUMNS}, revoked_at is null and (expires_at is null or expires_at > {NOW}) as valid from api_keys where public = %(public)s",
        {"public": public},
    ).one_or_none()
    if row is None:
        return None
    fields = {**row._asdict(), "role": Role(row.role)}
    valid = bool(fields.pop("valid"))
    return StoredKey(**fields), valid


def find(tx: Tx, team_id: TeamId) -> list[StoredKey]:
    """The team's keys, the oldest first."""
    return [
        _key(row)
        for row in tx.sql(
            f"select {_COLUMNS} from api_keys where team_id = %(team_id)s order by id", {"team_id": team_id}
        )
    ]


def revoke(tx: Tx, team_id: TeamId, key_id: UUID) -> bool:
    """Revoke a key; False where the team has none with that id that is not revoked."""
    return (
        tx.sql(
            f"update api_keys set revoked_at = {NOW} where id = %(id)s and team_id = %(team_id)s and revoked_at is null",
            {"id": key_id, "team_id": team_id},
        ).rowcount
        == 1
    )


def ensure_team(tx: Tx, name: str) -> TeamId:
    """The team of that name, created where there is none."""
    tx.sql(
        "insert into teams (id, name) values (%(id)s, %(name)s) on conflict (name) do nothing",
        {"id": new_id(), "name": name},
    )
    found: TeamId = tx.sql("select id from teams where name = %(name)s", {"name": name}).scalar_one()
    return found


def team_named(tx: Tx, name: str) -> TeamId | None:
    """The team of that name."""
    found: TeamId | None = tx.sql("select id from teams where name = %(name)s", {"name": name}).scalar_one_or_none()
    return found


def begin_once(tx: Tx, team_id: TeamId, key: str, fingerprint: str) -> tuple[str, Any] | None:
    """Take an idempotency key; waits for whoever is using it. Returns its fingerprint and answer where it is used up."""
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
