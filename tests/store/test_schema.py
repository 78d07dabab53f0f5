"""The migrations make the tables that the code knows."""

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from casework.core.lifecycle import CaseStatus, RunStatus
from casework.store import schema
from casework.store.database import Database
from casework.store.tables import listed, metadata


def test_migrations_and_tables_are_the_same(db):
    with db.begin() as tx:
        context = MigrationContext.configure(
            tx.connection, opts={"compare_type": True, "compare_server_default": False}
        )
        assert compare_metadata(context, metadata) == []


def test_checks_in_the_database_name_every_status(db):
    with db.begin() as tx:
        rows = tx.sql("select conname, pg_get_constraintdef(oid) as definition from pg_constraint where contype = 'c'")
        checks = {row.conname: row.definition_ if hasattr(row, "def_") else row[1] for row in rows}
    for status in CaseStatus:
        assert f"'{status}'" in checks["cases_status"]
    for status in RunStatus:
        assert f"'{status}'" in checks["runs_status"]


def test_derived_columns_in_the_database_are_those_of_the_tables(db):
    with db.begin() as tx:
        expressions = dict(
            tx.sql(
                "select column_name, generation_expression from information_schema.columns where is_generated = 'ALWAYS'"
            ).all()
        )
    assert set(expressions) == {"claim_for", "lane", "live", "holds_slot"}
    assert listed(["running"]) in expressions["live"].replace("::text", "")


def test_an_upgrade_that_is_repeated_changes_nothing(new_database):
    url = new_database("upgraded_twice", migrate=False)
    db = Database(url)
    assert schema.upgrade(db) == schema.upgrade(db) == schema.HEAD
    with db.begin() as tx:
        assert tx.execute(text("select count(*) from teams")).scalar_one() == 1
    db.close()


def test_the_head_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", "casework:store/migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD
