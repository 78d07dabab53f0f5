"""Teams and API keys."""

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from uuid import UUID

from casework.core.model import TeamId
from casework.core.payload import check_text
from casework.core.roles import RIGHTS, Right, Role
from casework.errors import Forbidden, InvalidInput, NotFound, Unauthorized
from casework.store import keys as store
from casework.store.database import Database
from casework.store.keys import StoredKey

_TOKEN = re.compile(r"cw_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_NOBODYS_HASH = hashlib.sha256(b"").hexdigest()


def _hash(secret: str) -> str:
    """A fast hash is right here: the secret has 256 random bits, and cannot be guessed from it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def team(db: Database, name: str, *, create: bool = False) -> TeamId:
    """The team of that name. Raises NotFound, unless it is to be created."""
    check_text("team's name", name, least=1, most=100)
    with db.begin() as tx:
        found = store.ensure_team(tx, name) if create else store.team_named(tx, name)
    if found is None:
        raise NotFound("team", name)
    return found


def create(
    db: Database, team_id: TeamId, name: str, role: Role, expires: timedelta | None = None
) -> tuple[StoredKey, str]:
    """Create a key. The second part of the result is the key itself, which is kept nowhere."""
    check_text("name", name, least=1, most=100)
    if expires is not None and expires <= timedelta():
        raise InvalidInput("A key must expire in the future.")
    public, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    with db.begin() as tx:
        key = store.create(tx, team_id, name, role, public, _hash(secret), tx.now + expires if expires else None)
    return key, f"cw_{public}_{secret}"


def authenticate(db: Database, token: str) -> StoredKey:
    """The key that the token is. Raises Unauthorized, the same for every way in which it is none.

    The key is found by its public half; the secret half is compared in constant time, also where there is no such key.
    """
    parts = _TOKEN.fullmatch(token)
    public, secret = parts.groups() if parts else ("", "")
    with db.begin() as tx:
        found = store.find_public(tx, public)
    key, valid = found or (None, False)
    same = hmac.compare_digest(key.hash if key else _NOBODYS_HASH, _hash(secret))
    if key is None or not same or not valid:
        raise Unauthorized
    return key


def check_right(key: StoredKey, right: Right) -> None:
    """Raise Forbidden where the key's role has not that right."""
    if right not in RIGHTS[key.role]:
        raise Forbidden(f"This key's role is {key.role}, which may not {right}.")


def find(db: Database, team_id: TeamId) -> list[StoredKey]:
    """The team's keys."""
    with db.begin() as tx:
        return store.find(tx, team_id)


def revoke(db: Database, team_id: TeamId, key_id: UUID) -> None:
    """Revoke a key, from this moment on. Raises NotFound."""
    with db.begin() as tx:
        if not store.revoke(tx, team_id, key_id):
            raise NotFound("key that is not revoked", key_id)
