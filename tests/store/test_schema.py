"""The migrations make the tables that the code knows."""

import itertools
import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import CheckViolation
from sqlalchemy import MetaData

from casework.core.lifecycle import LIFECYCLE, Bound, CaseStatus, Detail, Lane
from casework.errors import SchemaOutdated
from casework.store import migrating, schema
from casework.store.database import Database
from casework.store.ids import new_id
from casework.store.tables import metadata
from ddl import create_all


def test_migrates_to_the_tables_that_the_code_knows(migrated):
    with migrating.connected(migrated) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        assert compare_metadata(context, metadata) == []


def definitions(tx, schema):
    """The checks and the derived columns of a schema's tables, as the server understood them; lists of values in one order."""
    rows = tx.sql(
        """
        select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
        where contype = 'c' and connamespace = %(schema)s::text::regnamespace
        union all
        select table_name || '.' || column_name, generation_expression from information_schema.columns
        where table_schema = %(schema)s::text and is_generated = 'ALWAYS'
        """,
        {"schema": schema},
    )
    return {row.name: re.sub(r"ARRAY\[(.*?)\]", in_order, row.definition) for row in rows}


def in_order(values):
    return f"ARRAY[{', '.join(sorted(values[1].split(', ')))}]"


def test_migrated_checks_and_derived_columns_are_those_of_the_tables(db):
    generated = MetaData(schema="generated")
    for table in metadata.sorted_tables:
        table.to_metadata(generated, schema="generated")
    with db.begin() as tx:
        tx.sql("create schema generated")
        create_all(tx, generated)
        expected = definitions(tx, "generated")
        assert definitions(tx, "public") == expected
    assert {"cases_status", "cases_completed_at", "runs_status", "cases.lane", "runs.live"} <= set(expected)


@pytest.mark.parametrize("table", ["cases", "runs"])
def test_what_changes_together_lies_together(db, table):
    with db.begin() as tx:
        rows = tx.sql(
            "select attname from pg_attribute where attrelid = %(table)s::text::regclass and attnum > 0 order by attnum",
            {"table": table},
        )
        assert [row.attname for row in rows] == [column.name for column in metadata.tables[table].columns]


INSERT = """
insert into cases (id, queue_id, title, data, status, ready_at, created_at, updated_at, run_id, run_agent_id,
  completed_at, postponed_to, human_request_id)
values (gen_random_uuid(), gen_random_uuid(), 'case', '{}', %(status)s, now(), now(), now(), %(run)s::uuid, %(run)s::uuid,
  %(completed_at)s::timestamptz, %(postponed_to)s::timestamptz, %(human_request_id)s::uuid)
returning lane
"""


@pytest.mark.parametrize("status", CaseStatus)
def test_a_row_holds_exactly_the_details_of_its_status(db, status):
    state = LIFECYCLE.state(status)
    for bound, *details in itertools.product([False, True], repeat=1 + len(Detail)):
        held = {detail for detail, holds in zip(Detail, details, strict=True) if holds}
        may_be = state.bound in (Bound.SOMETIMES, Bound.ALWAYS if bound else Bound.NEVER)
        with db.begin() as tx:
            values = {Detail.COMPLETED_AT: tx.now, Detail.POSTPONED_TO: tx.now, Detail.HUMAN_REQUEST_ID: new_id()}
        row = {
            "status": str(status),
            "run": new_id() if bound else None,
            **{str(detail): value if detail in held else None for detail, value in values.items()},
        }
        if may_be and held == set(state.details):
            with db.begin() as tx:
                assert tx.sql(INSERT, row).scalar_one() == lane_of(state, bound)
        else:
            with pytest.raises(CheckViolation), db.begin() as tx:
                tx.sql(INSERT, row)


def lane_of(state, bound):
    if not state.lanes:
        return None
    return Lane.RESUMED if bound else state.lanes[-1]


def test_changes_nothing_by_a_repeated_upgrade(new_database):
    url = new_database("upgraded_twice", migrate=False)
    db = Database(url)
    assert schema.upgrade(db) == schema.upgrade(db) == schema.HEAD
    with db.begin() as tx:
        assert tx.sql("select count(*) from teams").scalar_one() == 1
    db.close()


@pytest.mark.parametrize("act", [schema.upgrade, schema.ensure, schema.check])
def test_the_schema_of_a_newer_casework_is_refused_in_one_line(new_database, act):
    db = Database(new_database(f"newer_{act.__name__}"))
    with db.begin() as tx:
        tx.sql("update alembic_version set version_num = '9999'")
    with pytest.raises(SchemaOutdated, match="9999, which a newer casework made; this one knows versions up to"):
        act(db)
    db.close()


def test_the_head_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", "casework:store/migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD
