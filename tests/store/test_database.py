"""Errors of the driver, in casework's words."""

import resource
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from casework.errors import DatabaseUnavailable, InvalidInput, InvalidSettings, SchemaOutdated
from casework.store import connection
from casework.store.database import Database


@pytest.mark.parametrize("open_", [Database.begin, Database.single])
def test_what_does_not_fit_is_the_senders_mistake_and_not_an_outage(committed, open_):
    with pytest.raises(InvalidInput, match="more than the database can hold"), open_(committed) as tx:
        tx.sql("select to_tsvector('simple', string_agg(lpad(n::text, 63, 'x'), ' ')) from generate_series(1, 20000) n")


@pytest.mark.parametrize("open_", [Database.begin, Database.single])
def test_a_connection_that_was_ended_is_an_outage_and_not_lent_again(committed, open_):
    with pytest.raises(DatabaseUnavailable), open_(committed) as tx:
        tx.sql("select pg_terminate_backend(pg_backend_pid())")
    with open_(committed) as tx:
        assert tx.sql("select 1").scalar_one() == 1


def test_a_parameter_that_the_client_does_not_know_is_named(committed):
    with pytest.raises(InvalidSettings, match=r'CASEWORK_DATABASE_URL: .*"colour"'):
        Database(f"{committed.url}{'&' if '?' in committed.url else '?'}colour=blue")


def test_a_change_that_was_undone_for_another_says_so(committed):
    with pytest.raises(DatabaseUnavailable, match="undid this change"), committed.begin() as tx:
        tx.sql("do $$ begin raise exception using errcode = 'deadlock_detected'; end $$")


@pytest.mark.parametrize("open_", [Database.begin, Database.single])
def test_a_table_that_is_missing_is_an_old_schema(committed, open_):
    with pytest.raises(SchemaOutdated), open_(committed) as tx:
        tx.sql("select * from no_such_table")


def test_a_single_statement_is_committed_and_an_error_undoes_a_transaction(committed):
    with committed.single() as tx:
        tx.sql("insert into teams (id, name) values (gen_random_uuid(), 'kept')")
    with pytest.raises(ZeroDivisionError), committed.begin() as tx:
        tx.sql("insert into teams (id, name) values (gen_random_uuid(), 'undone')")
        raise ZeroDivisionError
    with committed.begin() as tx:
        names = {row.name for row in tx.sql("select name from teams")}
    assert "kept" in names and "undone" not in names


def test_keeps_a_connection_whose_first_statement_fails(committed):
    """BEGIN is sent together with it."""
    for statement in ("select 1 / 0", "select from", "select %(missing)s::int"):
        with pytest.raises((psycopg.Error, ValueError, KeyError)), committed.begin() as tx:
            tx.sql(statement)
        with committed.begin() as tx:
            assert tx.sql("select 1").scalar_one() == 1
            assert tx.sql("select count(*) from pg_stat_activity where state like 'idle in%%'").scalar_one() == 0


INSERT = "insert into teams (id, name) values (gen_random_uuid(), %(name)s)"
COUNT = "select count(*) from teams where name = %(name)s"


@pytest.mark.parametrize("open_", [Database.begin, Database.single])
def test_sends_statements_together_in_one_transaction(committed, open_):
    with open_(committed) as tx:
        inserted, counted = tx.together((INSERT, {"name": "twin"}), (COUNT, {"name": "twin"}))
    assert (inserted.rowcount, counted.scalar_one()) == (1, 1)
    with pytest.raises(psycopg.errors.DivisionByZero), open_(committed) as tx:
        tx.together((INSERT, {"name": "undone"}), ("select 1 / 0", {}), (INSERT, {"name": "undone"}))
    with open_(committed) as tx:
        assert tx.sql(COUNT, {"name": "undone"}).scalar_one() == 0


@pytest.mark.parametrize("open_", [Database.begin, Database.single])
def test_reports_a_line_that_breaks_amid_statements_as_an_outage(committed, open_):
    with pytest.raises(DatabaseUnavailable), open_(committed) as tx:
        tx.together(("select 1", {}), ("select pg_terminate_backend(pg_backend_pid())", {}), ("select 2", {}))
    with open_(committed) as tx:
        assert [rows.scalar_one() for rows in tx.together(("select 1", {}), ("select 2", {}))] == [1, 2]


def test_each_of_several_statements_sees_commits_made_while_it_waited(committed):
    """As a count of slots must, that is sent together with the lock of a consumer."""
    with committed.begin() as tx:
        tx.sql(INSERT, {"name": "gate"})
    with committed.begin() as tx, ThreadPoolExecutor(1) as threads:
        tx.sql("select from teams where name = 'gate' for update")

        def wait_and_count():
            with committed.begin() as other:
                return other.together(
                    ("select from teams where name = 'gate' for update", {}), (COUNT, {"name": "late"})
                )

        counting = threads.submit(wait_and_count)
        with committed.begin() as watching:
            while not watching.sql("select from pg_stat_activity where wait_event_type = 'Lock'").all():
                watching.sql("select pg_stat_clear_snapshot()")
        tx.sql(INSERT, {"name": "late"})
        tx.sql("commit")
        assert counting.result(20)[1].scalar_one() == 1


def test_a_transaction_without_statements_is_none(committed):
    with committed.begin():
        pass
    with committed.begin() as tx:
        assert tx.sql("select 1").scalar_one() == 1
        assert tx.sql("select now() = statement_timestamp()").scalar_one() is False


def test_lets_threads_wait_for_a_connection_and_makes_no_more(new_database):
    db = Database(new_database("pooled"), pool_size=3)
    used: set[int] = set()

    def use(_):
        for _ in range(20):
            with db.single() as tx:
                used.add(tx.sql("select pg_backend_pid()").scalar_one())

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(use, range(12)))
    db.close()
    assert len(used) <= 3


@pytest.fixture
def ctrl_c():
    """Ctrl-C raises KeyboardInterrupt, even in a background job of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("behind", [(), ("select 1",)], ids=["alone", "before another"])
def test_ctrl_c_ends_a_statement_that_waits_and_the_connection_works_on(new_database, behind, ctrl_c):
    db = Database(new_database("interrupted"), application="to be interrupted", pool_size=1)
    watching = Database(db.url)

    def press_ctrl_c():
        with watching.begin() as tx:
            while not tx.sql(
                "select from pg_stat_activity where query like '%%nextval%%' and wait_event = 'PgSleep'"
            ).all():
                tx.sql("select pg_stat_clear_snapshot()")
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=press_ctrl_c)
    with db.begin() as tx:
        tx.sql("create sequence reached")
    with pytest.raises(KeyboardInterrupt), db.begin() as tx:
        thread.start()
        tx.together(*[(statement, {}) for statement in ("select pg_sleep(5), nextval('reached')", *behind)])
    thread.join()
    with db.begin() as tx:
        assert tx.sql("select is_called from reached").scalar_one() is False
    for each in (db, watching):
        each.close()


def test_only_so_many_statements_stay_prepared(new_database, monkeypatch):
    """Searches are put together from parts: the old ones make room."""
    monkeypatch.setattr(connection, "MOST_PREPARED", 3)
    db = Database(new_database("few_prepared"))
    with db.begin() as tx:
        for number in range(20):
            assert tx.sql(f"select {number} + %(one)s::int", {"one": 1}).scalar_one() == number + 1
        pair = tx.together(*[(f"select {number} + %(one)s::int", {"one": 1}) for number in (30, 40)])
        assert [rows.scalar_one() for rows in pair] == [31, 41]
        assert tx.sql("select count(*) from pg_prepared_statements").scalar_one() <= 3 + 4
    db.close()


@pytest.mark.parametrize("open_", [Database.begin, Database.single])
def test_a_statement_prepared_before_a_migration_is_prepared_again(new_database, open_):
    db = Database(new_database("migrated_meanwhile"), pool_size=2)
    with db.begin() as tx:
        tx.sql("create table things (size int)")
    with open_(db) as tx:
        assert tx.sql("select * from things").all() == []
    with psycopg.connect(db.url, autocommit=True) as other:
        other.execute("alter table things alter size type bigint")
    with pytest.raises(DatabaseUnavailable, match="schema, or its role, may have changed"), open_(db) as tx:
        tx.sql("select * from things")
    with open_(db) as tx:
        assert tx.sql("select * from things").all() == []
    db.close()


def test_an_error_with_an_unknown_sqlstate_is_mapped_by_its_class(committed):
    """08 is the class of connections that fail."""
    with pytest.raises(DatabaseUnavailable), committed.begin() as tx:
        tx.sql("do $$ begin raise exception using errcode = '08X99'; end $$")


def test_a_file_that_may_not_grow_is_trouble_for_now(new_database):
    """As with a quota that is used up: the server has no SQLSTATE for it. A temporary table writes no log, which would not
    survive that."""
    db = Database(new_database("quota"), pool_size=1)
    with db.begin() as tx:
        tx.sql("create temporary table filled (number int)")
        pid = tx.sql("select pg_backend_pid()").scalar_one()
    if not Path(f"/proc/{pid}/comm").exists() or "postgres" not in Path(f"/proc/{pid}/comm").read_text():
        pytest.skip("the server's processes are elsewhere")
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    try:
        with pytest.raises(DatabaseUnavailable, match="trouble with its system"), db.begin() as tx:
            tx.sql("insert into filled select generate_series(1, 100000)")
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    db.close()
