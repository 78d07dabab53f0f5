"""Servers, roles and URLs as others set them up."""

from collections.abc import Iterator

import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import UniqueViolation

from casework.errors import DatabaseUnavailable, InvalidInput, InvalidSettings
from casework.service import queues
from casework.store import schema
from casework.store.database import NOW, Database
from factories import TEAM, claim, some_cases, work, worked_queue

HOSTILE = {
    "datestyle": "German",
    "intervalstyle": "iso_8601",
    "timezone": "Asia/Tokyo",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "statement_timeout": "300ms",
    "lock_timeout": "300ms",
    "client_encoding": "LATIN1",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "gin_fuzzy_search_limit": "1",
    "exit_on_error": "on",
    "bytea_output": "escape",
}


@pytest.fixture
def admin(new_database) -> Iterator[Database]:
    """May make roles and databases."""
    db = Database(new_database("administered", migrate=False))
    yield db
    db.close()


def run(db: Database, *statements: str) -> None:
    for statement in statements:
        with db.single() as tx:
            tx.sql(statement)


def with_more(url: str, more: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{more}"


@pytest.mark.parametrize("caches_plans", [False, True])
def test_what_a_database_sets_changes_nothing(committed, caches_plans):
    run(committed, *(f"alter database committed set {name} = '{value}'" for name, value in HOSTILE.items()))
    db = Database(committed.url, caches_plans=caches_plans)
    schema.check(db)
    queue, _ = worked_queue(db)
    some_cases(db, queue, 2, data={"text": "żółć \\ ' 漢字"})
    assert [work(db, message) for message in claim(db)] == ["completed"] * 2
    assert queues.stats(db, TEAM, queue.id).ended_last_hour == 2
    for open_ in (db.begin, db.single):
        with open_() as tx:
            found = tx.sql(
                "select current_setting('transaction_isolation') as isolation, current_setting('transaction_read_only') as"
                " read_only, current_setting('statement_timeout') as time_out"
            ).one()
        assert tuple(found) == ("read committed", "off", "0")
    db.close()


def test_options_of_the_url_are_kept(admin):
    run(admin, "create schema elsewhere")
    db = Database(with_more(admin.url, "options=-csearch_path%3Delsewhere"))
    schema.upgrade(db)
    with db.begin() as tx:
        assert tx.sql("show search_path").scalar_one() == "elsewhere"
        assert tx.sql("show jit").scalar_one() == "off"
        assert tx.sql("select to_regclass('elsewhere.cases')::text").scalar_one() is not None
        assert tx.sql("select to_regclass('public.cases')").scalar_one() is None
    db.close()


def test_several_hosts_are_tried_one_after_the_other(admin, tmp_path):
    parts = conninfo_to_dict(admin.url)
    port, host = parts.get("port", "5432"), parts.get("host", "localhost")
    db = Database(
        f"postgresql://{parts['user']}@/{parts['dbname']}?host={tmp_path},{host}&port={port},{port}"
        "&target_session_attrs=read-write"
    )
    with db.begin() as tx:
        assert tx.sql("select 1").scalar_one() == 1
    db.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret@x@h/d",
        "postgresql://u:s3cret/x@h/d",
        "postgresql://u:s3cret%zz@h/d",
        "postgresql://u:s3cret@h:99999/d",
        "postgresql://u:s3cret@h:5432x/d",
        "postgresql://u:s3cret@h/d?colour=blue",
        "mysql://u:s3cret@h/d",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_its_password(url):
    with pytest.raises(InvalidSettings, match="CASEWORK_DATABASE_URL") as error:
        Database(url)
    assert "s3cret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_several_ports_are_read():
    Database("postgresql://u@h1:1,h2:2/d?target_session_attrs=read-write&sslmode=require&connect_timeout=1").close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("host=h password=s3cret", "postgresql://"),
        ("postgresql://h/d?options=-c%20search_path=x", "write = as %3D"),
    ],
)
def test_a_url_that_is_written_wrongly_is_refused_without_its_secrets(url, message):
    with pytest.raises(InvalidSettings) as refused:
        Database(url)
    assert message in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("parameter", ["sslmode=odd", "target_session_attrs=odd", "service=odd"])
def test_a_parameter_that_the_client_refuses_is_not_a_server_that_is_away(parameter):
    db = Database(f"postgresql://127.0.0.1:1/d?{parameter}")
    with pytest.raises(InvalidSettings, match=r'CASEWORK_DATABASE_URL: .*"odd"'), db.begin() as tx:
        tx.sql("select 1")


def test_an_outage_names_the_server_without_secrets(tmp_path):
    db = Database(f"postgresql://u:s3cret@/d?host={tmp_path}&sslpassword=s3cret2")
    with pytest.raises(DatabaseUnavailable, match=f"at {tmp_path}/d does not answer") as error, db.begin() as tx:
        tx.sql("select 1")
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_JP"])
def test_an_encoding_that_cannot_hold_every_text_is_refused(admin, encoding):
    run(
        admin,
        "drop database if exists encoded",
        f"create database encoded encoding '{encoding}' locale 'C' template template0",
    )
    db = Database(admin.url.replace("/administered", "/encoded", 1))
    with pytest.raises(InvalidSettings, match=f"encoded in {encoding}.*create database .* encoding 'UTF8'"):
        schema.upgrade(db)
    with db.begin() as tx:
        assert tx.sql("select to_regclass('cases')").scalar_one() is None
        assert len(schema.problems(tx)) == 1
    db.close()


def test_a_character_that_the_database_cannot_hold_is_the_senders(admin):
    run(
        admin,
        "drop database if exists encoded",
        "create database encoded encoding 'LATIN1' locale 'C' template template0",
    )
    db = Database(admin.url.replace("/administered", "/encoded", 1))
    with pytest.raises(InvalidInput, match="cannot hold a character"), db.begin() as tx:
        tx.sql("select %(text)s::text", {"text": "漢字"})
    db.close()


def test_a_role_that_may_not_create_tables_gets_the_grant_to_run(admin):
    run(admin, "drop role if exists restricted", "create role restricted login")
    parts = conninfo_to_dict(admin.url)
    db = Database(admin.url.replace(f"//{parts['user']}@", "//restricted@", 1))
    with pytest.raises(InvalidSettings, match="grant create on schema public to restricted"):
        schema.upgrade(db)
    with pytest.raises(DatabaseUnavailable, match="refuses this to casework's role"), db.begin() as tx:
        tx.sql("select * from pg_authid")
    db.close()


DEFERRED = "create table deferred (number int unique deferrable initially deferred)"


@pytest.mark.parametrize("open_", [Database.begin, Database.single])
@pytest.mark.parametrize("together", [False, True])
def test_an_error_at_the_commit_is_that_error(committed, open_, together):
    run(committed, DEFERRED, "insert into deferred values (1)")
    insert = "insert into deferred values (1) returning number"
    for _ in range(2):
        with pytest.raises(UniqueViolation), open_(committed) as tx:
            tx.together((insert, {}), ("select 1", {})) if together else tx.sql(insert)
    with open_(committed) as tx:
        assert tx.sql("select count(*) from deferred").scalar_one() == 1


def test_an_error_that_was_swallowed_does_not_pass_for_a_commit(committed):
    with pytest.raises(Exception, match="a statement of this transaction failed"), committed.begin() as tx:
        tx.sql("create table vanished ()")
        with pytest.raises(UniqueViolation):
            tx.sql("insert into teams select id, name from teams")


def test_a_single_transaction_refuses_a_second_statement(committed):
    with pytest.raises(AssertionError, match="sends once"), committed.single() as tx:
        tx.sql("select 1")
        tx.sql("select 2")
    with pytest.raises(AssertionError, match="sends once"), committed.single() as tx:
        tx.together(("select 1", {}), ("select 2", {}))
        assert tx.now


def test_a_transaction_has_one_moment(committed):
    with committed.begin() as tx:
        began = tx.sql(f"select {NOW}").scalar_one()
        tx.sql("select pg_sleep(0.01)")
        assert tx.now == began == tx.sql(f"select {NOW}").scalar_one()


def test_one_or_none_refuses_several(committed):
    with committed.begin() as tx:
        rows = tx.sql("select generate_series(1, 2)")
        nothing = tx.sql("select 1 where false")
    for read in (rows.one_or_none, rows.one, rows.scalar_one, rows.scalar_one_or_none, nothing.one):
        with pytest.raises(ValueError, match="expected"):
            read()
    assert nothing.one_or_none() is nothing.scalar_one_or_none() is None
