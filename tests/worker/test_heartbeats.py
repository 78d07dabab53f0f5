"""Which runs a process keeps alive, and which it stops."""

import signal
import subprocess
from types import SimpleNamespace
from uuid import uuid4

import pytest

from casework.agents.stop import Stop
from casework.broker.names import Names
from casework.core.effects import RunMessage
from casework.core.model import RunId
from casework.settings import Settings
from casework.store import transitions
from casework.worker.heartbeats import Heartbeats
from factories import claim, running, some_cases, start, worked_queue
from patience import PATIENCE


class Publisher:
    url, names = "redis://127.0.0.1:1", Names("test:")


@pytest.fixture
def heartbeats(db):
    return Heartbeats(SimpleNamespace(db=db, settings=Settings(), publisher=Publisher()), "w", list, threaded=False)


def begun(heartbeats, message):
    stop = Stop()
    heartbeats.begin(message, stop)
    return stop


def a_message():
    return RunMessage(RunId(uuid4()), 1)


def test_run_that_was_let_go_is_not_kept_alive(heartbeats):
    message = a_message()
    begun(heartbeats, message)
    assert heartbeats.watched() == [message]
    heartbeats.end(message)
    heartbeats.end(message)
    assert heartbeats.watched() == []


def test_end_of_an_attempt_leaves_the_next_one_alone(heartbeats):
    """A run that was given back, and comes again to the process that has yet to end the message it shared."""
    first = a_message()
    second = RunMessage(first.run_id, 2)
    begun(heartbeats, first)
    heartbeats.end(first)
    stop = begun(heartbeats, second)
    heartbeats.end(first)
    assert heartbeats.watched() == [second]
    assert not stop.requested


def test_newer_attempt_in_the_same_process_stops_the_older_one(heartbeats):
    """It was given up for lost, and works on in another thread; no heartbeat asks for it any more."""
    first = a_message()
    older = begun(heartbeats, first)
    newer = begun(heartbeats, RunMessage(first.run_id, 2))
    assert older.requested
    assert not newer.requested


def test_heartbeat_stops_a_run_that_was_given_away_and_no_other(heartbeats, db):
    queue, _ = worked_queue(db)
    _, fence = running(db, queue)
    held, lost = begun(heartbeats, RunMessage(fence.run_id, fence.attempt)), begun(heartbeats, a_message())
    heartbeats.beat()
    assert (held.requested, lost.requested) == (False, True)


def test_run_that_ends_while_the_heartbeat_is_sent_is_not_lost(db):
    message = a_message()

    class EndsMeanwhile(SimpleNamespace):
        def single(self):
            heartbeats.end(message)
            return db.single()

    casework = SimpleNamespace(db=EndsMeanwhile(), settings=Settings(), publisher=Publisher())
    heartbeats = Heartbeats(casework, "w", list, threaded=False)
    stop = begun(heartbeats, message)
    heartbeats.beat()
    assert not stop.requested


def test_heartbeat_vouches_for_runs_of_other_processes(db):
    queue, _ = worked_queue(db)
    some_cases(db, queue)
    (message,) = claim(db)
    start(db, message)
    casework = SimpleNamespace(db=db, settings=Settings(), publisher=Publisher())
    Heartbeats(casework, "w", lambda: [(1, (message,))], threaded=False).beat()
    with db.begin() as tx:
        row = tx.sql("select last_heartbeat_at, started_at from runs where id = %(id)s", {"id": message.run_id}).one()
    assert row.last_heartbeat_at is not None


@pytest.mark.parametrize("goes_on", [True, False])
def test_child_is_killed_only_if_it_still_executes_what_it_overstays(db, goes_on):
    queue, _ = worked_queue(db)
    _, fence = running(db, queue)
    with subprocess.Popen(["sleep", "1000"]) as child:
        executing = [(child.pid, (RunMessage(fence.run_id, fence.attempt),))]
        answers = [executing, executing, executing if goes_on else []]
        casework = SimpleNamespace(db=db, settings=Settings(interrupt_grace_seconds=0), publisher=Publisher())
        beats = Heartbeats(casework, "w", lambda: answers.pop(0), threaded=False)
        beats.beat()
        with db.begin() as tx:
            assert transitions.complete(tx, fence, None)
        beats.beat()
        if not goes_on:
            child.terminate()
        assert child.wait(PATIENCE) == -(signal.SIGKILL if goes_on else signal.SIGTERM)
    assert answers == []
