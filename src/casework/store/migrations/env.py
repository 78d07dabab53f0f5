"""Alembic's entry point: one connection, one transaction, one migrator at a time."""

from alembic import context
from sqlalchemy import Connection, text

from casework.store.tables import metadata

MIGRATION_LOCK = 0x63617365776F726B & 0x7FFF_FFFF_FFFF_FFFF


def run(connection: Connection) -> None:
    """Migrate under an advisory lock, so that processes that start together wait for one another."""
    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
