"""Signing in on the web page: with a key, or with a link that works once. A session ends with its key."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from casework.core.model import TeamId
from casework.core.names import check_name
from casework.errors import NotFound, Unauthorized
from casework.service import keys
from casework.store import keys as stored_keys
from casework.store import web_sessions as store
from casework.store.database import Database, Tx
from casework.store.keys import StoredKey

LASTS = timedelta(days=7)
"""How long a session lasts, unless its key ends before."""

LINK_LASTS = timedelta(minutes=15)

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Session:
    """A person who is signed in."""

    hash: str
    """Names the session in this process; the token itself is only in the browser's cookie."""
    key: StoredKey
    person: str | None
    csrf: str
    """What each form of the session has to carry."""


def _hash(token: str) -> str:
    # A fast hash is enough, because a token has 256 random bits.
    return hashlib.sha256(token.encode()).hexdigest()


def _csrf(token: str) -> str:
    return hmac.digest(token.encode(), b"csrf", "sha256").hex()


def sign_in(db: Database, key: str, person: str | None = None, address: str | None = None) -> str:
    """Begin a session, and return its token. `person` says who uses the key. Raises Unauthorized and InvalidInput."""
    person = _checked(person)
    found = keys.authenticate(db, key.strip(), address)
    with db.begin() as tx:
        return _begin(tx, found.id, person)


def _checked(person: str | None) -> str | None:
    person = (person or "").strip() or None
    if person:
        check_name("name", person)
    return person


def _begin(tx: Tx, key_id: UUID, person: str | None) -> str:
    token = secrets.token_urlsafe(32)
    store.create(tx, _hash(token), key_id, person, LASTS)
    return token


def make_link(db: Database, team_id: TeamId, key_id: UUID, person: str | None = None) -> str:
    """The token of a link that signs in with that key, once, within LINK_LASTS. Raises NotFound if no such key is valid."""
    person = _checked(person)
    token = secrets.token_urlsafe(32)
    with db.begin() as tx:
        if stored_keys.find_one(tx, team_id, key_id) is None:
            raise NotFound("valid key", key_id)
        store.create_link(tx, _hash(token), key_id, person, LINK_LASTS)
    return token


def use_link(db: Database, token: str) -> str:
    """Begin a session by a link, and return its token. Raises Unauthorized if the link was used or has expired."""
    if not _TOKEN.fullmatch(token):
        raise Unauthorized
    with db.begin() as tx:
        found = store.use_link(tx, _hash(token))
        if found is not None:
            return _begin(tx, *found)
    raise Unauthorized


def find(db: Database, token: str) -> Session | None:
    """The session of a token; None if it or its key has ended."""
    if not _TOKEN.fullmatch(token):
        return None
    with db.single() as tx:
        found = store.find(tx, _hash(token))
    return Session(found.hash, found.key, found.person, _csrf(token)) if found else None


def still_valid(db: Database, hashes: Collection[str]) -> set[str]:
    """Those of the sessions that have not ended."""
    with db.single() as tx:
        return store.still_valid(tx, list(hashes))


def sign_out(db: Database, hash: str) -> None:
    """End a session."""
    with db.begin() as tx:
        store.end(tx, hash)
