"""Which runs a process vouches for."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from casework.core.model import RunId, RunMessage
from casework.settings import Settings
from casework.store import transitions
from factories import claim, some_cases, start, worked_queue
from seams import Interrupted, Through
from silent import Silent


def supervisor_of(db):
    return Silent(SimpleNamespace(db=db, settings=Settings()), "w", list)


@pytest.fixture
def supervisor(db):
    return supervisor_of(db)


def vouched_for(supervisor, db, clock):
    """The attempts that its next heartbeat keeps alive."""
    clock.forward(1)
    supervisor.beat()
    with db.begin() as tx:
        rows = tx.sql("select id, attempt from runs where alive_at = %(now)s", {"now": clock.now}).all()
    return [RunMessage(RunId(row.id), row.attempt) for row in rows]


def test_vouches_for_no_run_that_was_let_go(supervisor, db, clock):
    """To let go of it twice is harmless."""
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    (message,) = claim(db)
    start(db, message)
    supervisor.begin(message)
    assert vouched_for(supervisor, db, clock) == [message]
    supervisor.end(message)
    supervisor.end(message)
    assert vouched_for(supervisor, db, clock) == []


def test_keeps_the_next_attempt_when_one_ends(supervisor, db, clock):
    """A run that was given back, and comes again to the process that has yet to end the message it shared."""
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    (first,) = claim(db)
    supervisor.begin(first)
    fence = start(db, first)
    supervisor.end(first)
    with db.begin() as tx:
        transitions.release(tx, fence, "given back")
    (second,) = claim(db)
    stop = supervisor.begin(second)
    start(db, second)
    supervisor.end(first)
    assert (second.run_id, second.attempt) == (first.run_id, 2)
    assert vouched_for(supervisor, db, clock) == [second]
    assert not stop.requested


def test_stops_the_older_attempt_in_the_same_process(supervisor):
    """It was given up for lost, and works on in another thread; no heartbeat asks for it any more."""
    first = RunMessage(RunId(uuid4()), 1)
    older = supervisor.begin(first)
    newer = supervisor.begin(RunMessage(first.run_id, 2))
    assert older.requested
    assert not newer.requested


def test_loses_no_run_that_ends_during_the_heartbeat(db):
    """A heartbeat finds neither of two runs: one ended in this process meanwhile, the other was given away."""
    queue, _ = worked_queue(db)
    some_cases(db, queue, 2)
    ends, lost = claim(db)
    for message in (ends, lost):
        start(db, message)

    def both_end():
        supervisor.end(ends)
        with db.begin() as tx:
            tx.sql("update runs set status = 'completed', completed_at = now() where status = 'running'")

    supervisor = supervisor_of(Through(db, lambda tx: Interrupted(tx, "set alive_at", both_end)))
    stop_of_ended, stop_of_lost = supervisor.begin(ends), supervisor.begin(lost)
    supervisor.beat()
    assert not stop_of_ended.requested
    assert stop_of_lost.requested
