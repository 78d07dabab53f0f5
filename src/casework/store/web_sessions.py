"""Sessions of the web page and links that sign in, found by the hash of their token."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from casework.store.database import NOW, Tx
from casework.store.keys import KEY_COLUMNS, StoredKey, key_of_row

_VALID = f"k.revoked_at is null and (k.expires_at is null or k.expires_at > {NOW})"


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A person who is signed in with a key that is valid."""

    hash: str
    key: StoredKey
    person: str | None
    expires_at: datetime


def create(tx: Tx, hash: str, key_id: UUID, person: str | None, lasts: timedelta) -> None:
    """Store a session that ends after that time, or with its key."""
    _insert(tx, "web_sessions", hash, key_id, person, lasts)


def create_link(tx: Tx, hash: str, key_id: UUID, person: str | None, lasts: timedelta) -> None:
    """Store a link that signs in with that key."""
    _insert(tx, "web_links", hash, key_id, person, lasts)


def _insert(tx: Tx, table: str, hash: str, key_id: UUID, person: str | None, lasts: timedelta) -> None:
    tx.sql(
        f"""
        insert into {table} (hash, key_id, person, created_at, expires_at)
        values (%(hash)s, %(key_id)s, %(person)s, {NOW}, {NOW} + %(lasts)s)
        """,
        {"hash": hash, "key_id": key_id, "person": person, "lasts": lasts},
    )


def use_link(tx: Tx, hash: str) -> tuple[UUID, str | None] | None:
    """The key and the person of a link, which is gone afterwards; None if it was used, has expired or lost its key."""
    row = tx.sql(
        f"""
        with used as (delete from web_links where hash = %(hash)s returning key_id, person, expires_at)
        select u.key_id, u.person from used u join api_keys k on k.id = u.key_id where u.expires_at > {NOW} and {_VALID}
        """,
        {"hash": hash},
    ).one_or_none()
    return (row.key_id, row.person) if row else None


def find(tx: Tx, hash: str) -> StoredSession | None:
    """The session with that hash, if neither it nor its key has ended."""
    columns = ", ".join(f"k.{name}" for name in KEY_COLUMNS)
    row: Any = tx.sql(
        f"""
        select s.person, s.expires_at as ends_at, {columns} from web_sessions s join api_keys k on k.id = s.key_id
        where s.hash = %(session)s and s.expires_at > {NOW} and {_VALID}
        """,
        {"session": hash},
    ).one_or_none()
    return StoredSession(hash, key_of_row(row), row.person, row.ends_at) if row else None


def still_valid(tx: Tx, hashes: Sequence[str]) -> set[str]:
    """Those of the sessions that have not ended."""
    rows = tx.sql(
        f"""
        select s.hash from web_sessions s join api_keys k on k.id = s.key_id
        where s.hash = any(%(hashes)s::text[]) and s.expires_at > {NOW} and {_VALID}
        """,
        {"hashes": list(hashes)},
    )
    return {row.hash for row in rows}


def end(tx: Tx, hash: str) -> None:
    """End a session."""
    tx.sql("delete from web_sessions where hash = %(hash)s", {"hash": hash})


def forget_expired(tx: Tx) -> None:
    """Delete sessions and links that have expired."""
    for table in ("web_sessions", "web_links"):
        tx.sql(f"delete from {table} where expires_at < {NOW}")
