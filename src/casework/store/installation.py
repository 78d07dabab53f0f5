"""The identity of an installation."""

import hashlib

from casework.store import server
from casework.store.database import Database


def place(db: Database) -> str:
    """Where its database is, without users and passwords."""
    return server.shown(db.url)


def identity(db: Database) -> str:
    """Eight hexadecimal digits that differ between databases, also between a database and its restored copy.

    The server's system identifier is drawn by initdb and shared by physical standbys, so a failover keeps it; a restored
    dump gets another one, and must not take the original's messages from a Redis that they share by mistake.
    """
    with db.single() as tx:
        row = tx.sql(
            "select (select system_identifier from pg_control_system()) as server, oid from pg_database where datname = current_database()"
        ).one()
    return hashlib.sha256(f"{row.server}/{row.oid}".encode()).hexdigest()[:8]
