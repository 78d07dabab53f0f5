"""Who is held back by a limit is told which one, who has it, and when a rate lets the next run start."""

from datetime import timedelta

import pytest

from casework.core.limits import Rate
from casework.core.model import NewCase
from casework.service import cases, limits
from casework.service.diagnosis.case import explain
from casework.service.diagnosis.causes import Reason
from casework.service.diagnosis.queue import diagnose_one
from casework.store import processes
from factories import SETTINGS, TEAM, a_consumer, an_agent, claim, some_cases, start, worked_queue


@pytest.fixture
def inbox(db):
    """A queue with an agent, a ticker and a worker with room."""
    queue, _ = worked_queue(db)
    seen(db)
    return queue


def seen(db):
    with db.begin() as tx:
        processes.seen(tx, "t", "ticker", timedelta(seconds=30))
        processes.seen(tx, "w", "worker", timedelta(seconds=30), processes.Report(100))


def why(db, case_id):
    found = explain(db, SETTINGS, TEAM, case_id)
    return found.code, found.message, found.until


def test_names_the_limit_of_a_queue_and_who_has_it(db, inbox):
    limits.put(db, TEAM, queue=inbox.id, concurrency=5)
    ids = some_cases(db, inbox, 6)
    assert len(claim(db)) == 5
    assert why(db, ids[5]) == (
        Reason.AT_LIMIT,
        'It is ready, but the limit of 5 runs at once of queue inbox is reached by "case 0", "case 1", "case 2", 2 more.',
        None,
    )


def test_names_the_value_whose_line_is_full(db, inbox):
    limits.put(db, TEAM, queue=inbox.id, key="data.customer", concurrency=1)
    new = [NewCase(f"of {customer}", {"customer": customer}) for customer in ("blue", "blue", "red")]
    ids = cases.create(db, inbox.id, new).value
    assert len(claim(db)) == 2
    assert why(db, ids[1])[:2] == (
        Reason.AT_LIMIT,
        'It is ready, but the limit of 1 run at once of queue inbox for data.customer blue is reached by "of blue".',
    )


def test_says_when_a_rate_lets_the_next_one_start(db, inbox, clock):
    limits.put(db, TEAM, queue=inbox.id, rate=Rate(1, 60.0))
    ids = some_cases(db, inbox, 2)
    assert len(claim(db)) == 1
    then = clock.now + timedelta(seconds=60)
    code, message, until = why(db, ids[1])
    assert (code, until) == (Reason.AT_LIMIT, then)
    assert f"lets the next one start at {then.isoformat(timespec='seconds')}" in message


def test_an_agents_limit_is_no_reason_while_another_may_take_it(db, inbox):
    limits.put(db, TEAM, agent="worker", concurrency=1)
    ids = some_cases(db, inbox, 2)
    assert len(claim(db)) == 1
    assert why(db, ids[1])[0] is Reason.AT_LIMIT
    assert "of agent worker is reached" in why(db, ids[1])[1]
    a_consumer(db, inbox, an_agent(db, "other"))
    assert why(db, ids[1])[0] is Reason.NEXT_TICK


@pytest.mark.parametrize("key", [None, "data"])
def test_a_queue_stands_still_if_the_runs_that_have_its_limit_hang(db, inbox, clock, key):
    limits.put(db, TEAM, queue=inbox.id, key=key and "data.customer", concurrency=1)
    cases.create(db, inbox.id, [NewCase("x", {"customer": "blue"})] * 3)
    (message,) = claim(db)
    start(db, message)
    clock.forward(60)
    seen(db)
    assert diagnose_one(db, SETTINGS, TEAM, "inbox").reason is None
    clock.forward(600)
    seen(db)
    found = diagnose_one(db, SETTINGS, TEAM, "inbox")
    assert found.reason is Reason.AT_LIMIT
    assert "1 run at once of queue inbox" in found.message
