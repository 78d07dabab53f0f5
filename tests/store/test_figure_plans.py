"""Figures of queues over many rows: what is read, and that the numbers are right."""

from datetime import timedelta

import pytest

from casework.core.counting import Count
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.store import figures, snapshot
from casework.store.database import Database
from explained import Explained
from factories import a_queue, some_cases, worked_queue

MANY = 3 * figures.MOST_COUNTED


@pytest.fixture(scope="module")
def migrated(new_database):
    db = Database(new_database("figures"))
    yield db
    db.close()


@pytest.fixture(scope="module")
def many(migrated):
    """Pending cases, 30,000 of which are ready, and as many ended runs, five each second."""
    queue, agent = worked_queue(migrated)
    with migrated.begin() as tx:
        values = {"q": queue.id, "a": agent.id, "n": MANY}
        tx.sql(
            "insert into cases (id, queue_id, title, data, status, ready_at, created_at, updated_at)"
            " select gen_random_uuid(), %(q)s, 'case ' || n, '{}', 'pending', timestamptz '2026-01-01', timestamptz '2026-01-01' + n * interval '1 s', now()"
            " from generate_series(1, %(n)s) n",
            values,
        )
        tx.sql(
            "insert into runs (id, queue_id, agent_id, status, attempt, created_at, claimed_at, sent_at, completed_at)"
            " select lpad(to_hex(n + 1), 32, '0')::uuid, %(q)s, %(a)s, case when n %% 10 = 0 then 'failed' else 'completed' end, 1, t, t, t, t"
            " from generate_series(0, %(n)s - 1) n, lateral (select timestamptz '2026-01-01' + n * interval '0.2 s' as t) x",
            values,
        )
    with migrated.begin() as tx:
        for table in ("cases", "runs"):
            tx.sql(f"analyze {table}")
    return queue


def test_counts_few_cases_and_estimates_many(db, many):
    other = a_queue(db, "other")
    some_cases(db, other, 3)
    with db.begin() as tx:
        found = figures.by_status(tx, [many.id, other.id])
    assert found[other.id][CaseStatus.PENDING] == Count(3)
    assert found[many.id][CaseStatus.FAILED] == Count(0)
    estimated = found[many.id][CaseStatus.PENDING]
    assert not estimated.exact
    assert abs(estimated.number - MANY) < MANY / 10


def test_stops_to_count_at_the_limit(db, many):
    with db.begin() as tx:
        explained = Explained(tx, "few")
        figures.by_status(explained, [many.id])
    read = sum(node["Actual Rows"] * node["Actual Loops"] for node in explained.scans("cases"))
    assert read <= figures.MOST_COUNTED + 10


def last_minute(tx):
    """Its first moment, and that of the minute after it."""
    begins = tx.sql("select date_trunc('minute', max(completed_at)) from runs").scalar_one()
    return begins, begins + timedelta(minutes=1)


def test_counts_the_runs_of_the_last_minutes_by_reading_those(db, many):
    with db.begin() as tx:
        begins, ends = last_minute(tx)
        explained = Explained(tx, "completed_at")
        found = figures.ended(explained, [many.id], begins, ends)
    assert {one.status: one.count for one in found} == {RunStatus.COMPLETED: 270, RunStatus.FAILED: 30}
    assert {one.minute for one in found} == {begins}
    assert sum(node["Actual Rows"] for node in explained.scans("runs")) <= 1300


def test_counts_a_run_that_ended_long_after_its_claim(db, many):
    with db.begin() as tx:
        begins, ends = last_minute(tx)
        tx.sql(
            "update runs set status = 'failed', completed_at = %(at)s, ended_late_at = %(at)s"
            " where id in (select id from runs order by id limit 5)",
            {"at": begins},
        )
        found = figures.ended(tx, [many.id], begins, ends)
    assert {one.status: one.count for one in found} == {RunStatus.COMPLETED: 270, RunStatus.FAILED: 35}


def test_finds_the_oldest_pending_case(db, many):
    empty = a_queue(db, "empty")
    with db.begin() as tx:
        expected = tx.sql("select min(created_at) from cases").scalar_one()
        assert figures.oldest_pending(tx, [many.id, empty.id]) == {many.id: expected}


def test_why_a_queue_waits_is_found_without_reading_what_waits(db, many):
    with db.begin() as tx:
        explained = Explained(tx, "groups")
        (waiting,) = snapshot.waiting_in(explained, many.id, tx.now)
    assert (waiting.agent_id, waiting.resumed, waiting.blocked) == (None, False, False)
    assert explained.blocks < 100
