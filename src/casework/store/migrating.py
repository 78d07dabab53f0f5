"""Migrations, by Alembic. Imported only to migrate: every command reads the version, few change it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from psycopg import IsolationLevel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from casework.store import server
from casework.store.database import Database
from casework.store.sqlstates import in_own_words


def upgrade(db: Database, version: str) -> None:
    """Bring the database to a version of the schema, in one transaction."""
    config = Config()
    config.set_main_option("script_location", "casework:store/migrations")
    with connected(db) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def _settings(connection: sqlalchemy.Connection) -> str:
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    return server.setting(server.settings(driver, {}))


@contextmanager
def connected(db: Database) -> Iterator[sqlalchemy.Connection]:
    """A SQLAlchemy connection, which Alembic needs, in one transaction that is committed at the end."""
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: server.open_driver(db.url, "casework"), poolclass=NullPool
    )

    @sqlalchemy.event.listens_for(engine, "connect")
    def set_up(driver: psycopg.Connection[Any], _: object) -> None:
        driver.isolation_level, driver.read_only = IsolationLevel.READ_COMMITTED, False

    @sqlalchemy.event.listens_for(engine, "begin")
    def make_settings(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql(_settings(connection))

    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error) and (own := in_own_words(error.orig, server.shown(db.url))):
            raise own from error
        raise
