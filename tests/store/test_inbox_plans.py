"""What waits for people among many cases: only the requests that wait are looked at, each case by its id."""

from datetime import timedelta

import pytest

from casework.core.model import DEFAULT_TEAM
from casework.store import inbox
from casework.store.database import Database
from explained import Explained
from factories import a_queue

OPEN = 1000
CASES = 40_000


@pytest.fixture(scope="module")
def many(new_database):
    db = Database(new_database("inbox_plans"))
    queue = a_queue(db)
    values = {"q": queue.id, "open": OPEN, "rest": CASES}
    with db.begin() as tx:
        tx.sql(
            "insert into cases (id, queue_id, title, data, status, human_request_id, run_id, run_agent_id, priority, ready_at, created_at, updated_at)"
            " select uuidv7(), %(q)s, 'asked', '1', 'needs_input', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), n %% 3, now(), now(), now()"
            " from generate_series(1, %(open)s) n",
            values,
        )
        tx.sql(
            "insert into human_requests (id, run_id, case_id, kind, title, options, created_at, expires_at)"
            " select human_request_id, run_id, id, 'question', 'Which?', '[]', now(), null from cases",
            values,
        )
        tx.sql(
            "insert into cases (id, queue_id, title, data, status, ready_at, created_at, updated_at)"
            " select uuidv7(), %(q)s, 'other', '1', 'pending', now(), now(), now() from generate_series(1, %(rest)s)",
            values,
        )
    with db.begin() as tx:
        for table in ("cases", "human_requests"):
            tx.sql(f"analyze {table}")
    yield db
    db.close()


def dislike_loops(tx):
    """As a planner that takes the few that wait for many, and would rather read all cases once."""
    tx.sql("set local enable_nestloop = off")


def test_inbox_reads_only_the_cases_whose_requests_wait(many):
    with many.begin() as tx:
        dislike_loops(tx)
        explained = Explained(tx)
        places = inbox.places(explained, DEFAULT_TEAM, ["ada"], 100)
    assert len(places) == 100
    (scan,) = explained.scans("cases")
    assert scan["Actual Loops"] == OPEN
    assert scan["Actual Rows"] == 1
    assert scan.get("Rows Removed by Filter", 0) == 0


def test_urgent_requests_come_first_then_those_of_urgent_cases(many):
    with many.begin() as tx:
        of_no_priority = "select h.id from human_requests h join cases c on c.id = h.case_id where c.priority = 0"
        soon = tx.sql(of_no_priority).all()[0].id
        values = {"id": soon, "at": tx.now + timedelta(minutes=5)}
        tx.sql("update human_requests set expires_at = %(at)s where id = %(id)s", values)
        places = inbox.places(tx, DEFAULT_TEAM, ["ada"], 500)
        tx.sql("update human_requests set expires_at = null where id = %(id)s", values)
    assert places[0].id == soon
    ranks = [place.priority.rank for place in places[1:]]
    assert ranks == sorted(ranks, reverse=True)


def test_counting_what_waits_ends_at_the_number_that_is_shown(many):
    with many.begin() as tx:
        dislike_loops(tx)
        explained = Explained(tx)
        assert inbox.count(explained, DEFAULT_TEAM, ["ada"], 100) == 100
    (scan,) = explained.scans("cases")
    assert scan["Actual Loops"] == 100
