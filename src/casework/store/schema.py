"""The version of the schema in the database, and upgrading it to that of this package."""

from casework.errors import InvalidSettings, SchemaOutdated
from casework.store import server
from casework.store.database import Database, Tx

HEAD = "0017"
"""The version that this package needs: the newest migration's revision."""


def current(tx: Tx) -> str | None:
    """The version that the database has; None if it has none."""
    if tx.sql("select to_regclass('alembic_version')::text").scalar_one() is None:
        return None
    version: str | None = tx.sql("select version_num from alembic_version").scalar_one_or_none()
    return version


_LOOK_SQL = """
select current_setting('server_version_num')::int as version, current_setting('server_version') as named,
  getdatabaseencoding() as encoding, current_database() as database, current_user as role, current_schema() as schema,
  has_schema_privilege(current_schema(), 'create') as may_create
"""


def problems(tx: Tx) -> list[str]:
    """Problems that keep this database from holding casework's tables, each with the statement that fixes it."""
    found = tx.sql(_LOOK_SQL).one()
    problems = []
    if found.version < server.OLDEST_SERVER:
        needed = server.OLDEST_SERVER // 10000
        problems.append(f"the server is PostgreSQL {found.named}; casework needs {needed} or newer")
    if found.encoding != "UTF8":
        problems.append(
            f"the database {found.database} is encoded in {found.encoding}, which cannot hold every text: "
            f"create database {found.database}_utf8 encoding 'UTF8' locale 'C.UTF-8' template template0;"
        )
    if current(tx) == HEAD:
        return problems
    if found.schema is None:
        problems.append(
            f"no schema of the search_path exists: alter role {found.role} in database {found.database} set search_path = public;"
        )
    elif not found.may_create:
        problems.append(
            f"the role {found.role} may not create tables: grant create on schema {found.schema} to {found.role};"
        )
    return problems


def upgrade(db: Database, version: str = "head") -> str:
    """Bring the database to this package's schema, or to an earlier version, in one transaction; returns the package's.

    Raises InvalidSettings if the server does not suit casework, and SchemaOutdated if a newer casework has upgraded it.
    """
    with db.begin() as tx:
        found, known = problems(tx), current(tx)
    if found:
        raise InvalidSettings(f"CASEWORK_DATABASE_URL: {found[0]}")
    _refuse_newer(known)
    from casework.store import migrating

    migrating.upgrade(db, version)
    return HEAD


def ensure(db: Database) -> None:
    """Upgrade if the version is not this package's."""
    with db.begin() as tx:
        version = current(tx)
    if version != HEAD:
        upgrade(db)


def check(db: Database) -> None:
    """Raise SchemaOutdated if the database's version is not this package's."""
    with db.begin() as tx:
        version = current(tx)
    _refuse_newer(version)
    if version != HEAD:
        found = f"is at schema version {version}" if version else "has no casework schema"
        raise SchemaOutdated(f"The database {found}; this casework needs {HEAD}: run `casework db upgrade`.")


def _refuse_newer(version: str | None) -> None:
    """Versions are numbers of four digits. A newer one cannot be taken back."""
    if version is not None and version > HEAD:
        raise SchemaOutdated(
            f"The database is at schema version {version}, which a newer casework made; this one knows versions up to {HEAD}: "
            "install that casework again."
        )
