"""What a pooled connection assumes of the driver's undocumented parts, without a pooler: each version has to keep it."""

import psycopg
import pytest

from casework.store.pooled import PooledConnection

STATEMENT = "select %(one)s::int + 1 as two"


@pytest.fixture
def driver(new_database):
    with psycopg.connect(new_database("pooled"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def connection(driver):
    return PooledConnection(driver, opening=["begin"], caches_plans=True)


def prepared(driver):
    with driver.cursor() as cursor:
        rows = cursor.execute("select name, statement from pg_prepared_statements", prepare=False).fetchall()
    return {row[0] for row in rows if "+ 1 as two" in row[1]}


def answer(connection, one=1):
    (rows,) = connection.execute_alone((STATEMENT, {"one": one}))
    return rows.scalar_one()


def test_names_a_statement_after_its_text(connection, driver, new_database):
    assert [answer(connection, one) for one in (1, 2, 3)] == [2, 3, 4]
    (name,) = prepared(driver)
    with psycopg.connect(new_database("pooled_too"), autocommit=True) as other:
        assert answer(PooledConnection(other, opening=["begin"], caches_plans=True)) == 2
        assert prepared(other) == {name}


def test_sends_again_what_met_a_server_connection_without_the_name(connection, driver):
    answer(connection)
    driver.execute("deallocate all", prepare=False)
    assert answer(connection) == 2
    assert len(prepared(driver)) == 1


def test_uses_a_name_that_another_client_prepared(connection, driver):
    answer(connection)
    newcomer = PooledConnection(driver, opening=["begin"], caches_plans=True)
    assert answer(newcomer) == 2
    assert len(prepared(driver)) == 1


def test_begins_and_commits_without_results_of_their_own(connection, driver):
    driver.execute("create table kept (number int)", prepare=False)
    begun = connection.begin_with(("insert into kept values (%(n)s) returning number", {"n": 7}))
    assert begun[0].scalar_one() == 7
    connection.commit()
    assert driver.execute("select count(*) from kept", prepare=False).fetchone()[0] == 1


def test_an_error_in_the_middle_leaves_nothing_behind(connection, driver):
    driver.execute("create table kept (number int)", prepare=False)
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.execute_alone(("insert into kept values (1)", {}), ("select 1 / 0", {}))
    connection.roll_back()
    assert driver.execute("select count(*) from kept", prepare=False).fetchone()[0] == 0
