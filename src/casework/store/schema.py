"""The schema's version: which one the database has, and bringing it to this package's.

Alembic is imported when there is something to migrate: every command asks for the version, and few change it.
"""

from typing import TYPE_CHECKING

from casework.errors import SchemaOutdated
from casework.store.database import Database, Tx

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"
"""The version that this package needs: the newest migration's revision."""


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "casework:store/migrations")
    return config


def current(tx: Tx) -> str | None:
    """The version that the database has; None where it has none."""
    if tx.sql("select to_regclass('alembic_version') as found").scalar_one() is None:
        return None
    row = tx.sql("select version_num from alembic_version").one_or_none()
    return row.version_num if row else None


def upgrade(db: Database) -> str:
    """Bring the database to this package's schema, in one transaction, and return its version."""
    with db.begin() as tx:
        upgrade_within(tx)
    return HEAD


def upgrade_within(tx: Tx) -> None:
    """As `upgrade`, inside a transaction that is open."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = tx.connection
    command.upgrade(config, "head")


def ensure(db: Database) -> None:
    """Upgrade where the version is not this package's."""
    with db.begin() as tx:
        if current(tx) != HEAD:
            upgrade_within(tx)


def check(db: Database) -> None:
    """Raise SchemaOutdated where the database's version is not this package's."""
    with db.begin() as tx:
        version = current(tx)
    if version != HEAD:
        found = f"is at schema version {version}" if version else "has no casework schema"
        raise SchemaOutdated(f"The database {found}; this casework needs {HEAD}: run `casework db upgrade`.")
