"""Teams and API keys."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_address, ip_network
from uuid import UUID

from casework.core.model import AgentId, TeamId
from casework.core.names import check_name
from casework.core.roles import RIGHTS, Right, Role
from casework.errors import Forbidden, InvalidInput, NotFound, Unauthorized, Unavailable
from casework.service import agents
from casework.store import keys as store
from casework.store.database import Database, Tx
from casework.store.keys import StoredKey

_TOKEN = re.compile(r"cw_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_NOBODYS_HASH = hashlib.sha256(b"").hexdigest()
_NETWORK_BITS = {4: 24, 6: 48}
"""How many bits of an address are kept: the network that a key is used from, not the machine."""


def _hash(secret: str) -> str:
    """A fast hash is enough: the secret has 256 random bits, so nobody can guess it from its hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def team(db: Database, name: str, *, create: bool = False) -> TeamId:
    """The team of that name. Raises NotFound if there is none and `create` is False."""
    if create:
        check_name("team's name", name)
    with db.begin() as tx:
        found = store.ensure_team(tx, name) if create else store.team_named(tx, name)
    if found is None:
        raise NotFound("team", name)
    return found


def create(
    db: Database,
    team_id: TeamId,
    name: str,
    role: Role,
    expires: timedelta | None = None,
    *,
    for_agents: Sequence[str | UUID] = (),
    may_answer: bool = True,
) -> tuple[StoredKey, str]:
    """Create a key. The second part of the result is the key itself, which is stored only as a hash.

    `for_agents` are the names or ids of the agents that a key of role agent works for; it needs at least one, and no
    other role has any. An operator's key with `may_answer=False` does not answer what runs ask: whoever feeds and
    repairs queues need not be the one who decides. Raises InvalidInput, and NotFound for an agent.
    """
    check_name("name", name)
    if expires is not None and expires <= timedelta():
        raise InvalidInput("A key must expire in the future.")
    if (role is Role.AGENT) != bool(for_agents):
        raise InvalidInput(
            "A key of role agent names the agents that it works for (--agent NAME); a key of another role names none."
        )
    if not may_answer and role is not Role.OPERATOR:
        raise InvalidInput("Only a key of role operator can be without the right to answer (--no-answer).")
    with db.begin() as tx:
        agent_ids = [agents.resolve(tx, team_id, ref).id for ref in for_agents]
        return _create(tx, team_id, name, role, expires, agent_ids, may_answer)


def _create(
    tx: Tx,
    team_id: TeamId,
    name: str,
    role: Role,
    expires: timedelta | None,
    agent_ids: Sequence[AgentId],
    may_answer: bool,
) -> tuple[StoredKey, str]:
    public, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    key = store.create(
        tx, team_id, name, role, public, _hash(secret), expires, list(dict.fromkeys(agent_ids)), may_answer
    )
    return key, f"cw_{public}_{secret}"


def rotate(
    db: Database, team_id: TeamId, key_id: UUID, overlap: timedelta, expires: timedelta | None = None
) -> tuple[StoredKey, str]:
    """Replace a key by a new one with the same name, role and agents. Both are valid until `overlap` has passed.

    Without `expires`, the new key gets the same validity period as the old one.
    Raises NotFound if there is no such key, or it is revoked or has expired.
    """
    if overlap < timedelta():
        raise InvalidInput("The overlap cannot be negative.")
    with db.begin() as tx:
        old = store.find_one(tx, team_id, key_id)
        if old is None:
            raise NotFound("valid key", key_id)
        if expires is None and old.expires_at is not None:
            expires = old.expires_at - old.created_at
        created = _create(tx, team_id, old.name, old.role, expires, old.agent_ids, old.may_answer)
        store.expire(tx, old.id, overlap)
    return created


def authenticate(db: Database, token: str, address: str | None = None) -> StoredKey:
    """The key of a token. Raises Unauthorized, with the same message whatever is wrong with the token.

    The key is found by its public half; the secret half is compared in constant time, even if no such key exists. A
    token in another format costs no query. A use is noted every ten minutes, with the network of the client's
    `address`.
    """
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        raise Unauthorized
    public, secret = parts.groups()
    with db.single() as tx:
        found = store.find_public(tx, public)
    same = hmac.compare_digest(found.key.hash if found else _NOBODYS_HASH, _hash(secret))
    if found is None or not same or not found.valid:
        raise Unauthorized
    if found.to_note:
        # In a separate transaction, which may fail: a database that takes no writes for a time can still be read.
        with suppress(Unavailable), db.begin() as tx:
            store.note_use(tx, found.key.id, network_of(address))
    return found.key


def network_of(address: str | None) -> str | None:
    """The network that an address belongs to, such as "192.0.2.0/24"; None if the address is not one."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return None
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ip_network((found, _NETWORK_BITS[found.version]), strict=False))


def check_right(key: StoredKey, right: Right) -> None:
    """Raise Forbidden if the key's role does not have the right, or the key was made without it."""
    if right not in RIGHTS[key.role]:
        raise Forbidden(f"This key's role is {key.role}, which may not {right}.")
    if right is Right.ANSWER and not key.may_answer:
        raise Forbidden("This key was made without the right to answer.")


def agents_of(key: StoredKey) -> Collection[AgentId] | None:
    """The agents that the key may work as; None for every agent of its team."""
    return key.agent_ids if key.role is Role.AGENT else None


def find(db: Database, team_id: TeamId) -> list[StoredKey]:
    with db.begin() as tx:
        return store.find(tx, team_id)


EXPIRES_SOON = timedelta(days=7)


def expiring(db: Database, team_id: TeamId) -> list[StoredKey]:
    """The team's valid keys that expire within a week."""
    with db.begin() as tx:
        found, now = store.find(tx, team_id), tx.now
    return [key for key in found if not key.revoked_at and key.expires_at and now < key.expires_at < now + EXPIRES_SOON]


def revoke(db: Database, team_id: TeamId, key_id: UUID) -> None:
    """Revoke a key, from this moment on. Raises NotFound."""
    with db.begin() as tx:
        if not store.revoke(tx, team_id, key_id):
            raise NotFound("key that is not revoked", key_id)
