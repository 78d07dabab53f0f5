"""Secrets of the installation: what one process signs, another one can check, also after a restart."""

import secrets

from casework.store import secrets as store
from casework.store.database import Database

BYTES = 32


def shared(db: Database, name: str) -> bytes:
    """The secret of that name, of 32 random bytes, which is made when it is first asked for."""
    with db.begin() as tx:
        found = store.get(tx, name)
        if found is None:
            store.keep(tx, name, secrets.token_bytes(BYTES))
            found = store.get(tx, name)
    assert found is not None
    return bytes(found)
