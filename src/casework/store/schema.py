"""The schema's version: which one the database has, and bringing it to this package's."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from casework.errors import SchemaOutdated
from casework.store.database import Database, Tx


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "casework:store/migrations")
    return config


def head() -> str:
    """The version that this package needs."""
    version = ScriptDirectory.from_config(_config()).get_current_head()
    assert version is not None
    return version


def current(tx: Tx) -> str | None:
    """The version that the database has; None where it has none."""
    return MigrationContext.configure(tx.connection).get_current_revision()


def upgrade(db: Database) -> str:
    """Bring the database to this package's schema, in one transaction, and return its version."""
    with db.begin() as tx:
        upgrade_within(tx)
    return head()


def upgrade_within(tx: Tx, version: str = "head") -> None:
    """As `upgrade`, inside a transaction that is open, and to an earlier version if one is named."""
    config = _config()
    config.attributes["connection"] = tx.connection
    command.upgrade(config, version)


def ensure(db: Database) -> None:
    """Upgrade where the version is not this package's."""
    with db.begin() as tx:
        if current(tx) != head():
            upgrade_within(tx)


def check(db: Database) -> None:
    """Raise SchemaOutdated where the database's version is not this package's."""
    with db.begin() as tx:
        version = current(tx)
    if version != head():
        found = f"is at schema version {version}" if version else "has no casework schema"
        raise SchemaOutdated(f"The database {found}; this casework needs {head()}: run `casework db upgrade`.")
