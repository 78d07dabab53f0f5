"""Which runs a process vouches for."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from casework.core.model import RunId, RunMessage
from casework.settings import Settings
from casework.store import runs
from casework.worker.supervisor import Supervisor


class Silent(Supervisor):
    """Its thread is not started."""

    def _ensure_thread(self):
        pass


@pytest.fixture
def supervisor():
    return Silent(None, "w", list)


def kept(supervisor):
    return [message for message, _ in supervisor._watched.values()]


def test_a_run_that_was_let_go_is_not_vouched_for_and_letting_go_twice_is_harmless(supervisor):
    message = RunMessage(RunId(uuid4()), 1)
    supervisor.begin(message)
    assert kept(supervisor) == [message]
    supervisor.end(message)
    supervisor.end(message)
    assert kept(supervisor) == []


def test_the_end_of_an_attempt_leaves_the_next_one_alone(supervisor):
    """A run that was given back, and comes again to the process that has yet to end the message it shared."""
    first = RunMessage(RunId(uuid4()), 1)
    second = RunMessage(first.run_id, 2)
    supervisor.begin(first)
    supervisor.end(first)
    stop = supervisor.begin(second)
    supervisor.end(first)
    assert kept(supervisor) == [second]
    assert not stop.requested


def test_a_newer_attempt_in_the_same_process_stops_the_older_one(supervisor):
    """It was given up for lost, and works on in another thread; no heartbeat asks for it any more."""
    first = RunMessage(RunId(uuid4()), 1)
    older = supervisor.begin(first)
    newer = supervisor.begin(RunMessage(first.run_id, 2))
    assert older.requested
    assert not newer.requested


def test_a_run_that_ends_while_the_heartbeat_is_sent_is_not_lost(supervisor, db, monkeypatch):
    message = RunMessage(RunId(uuid4()), 1)
    supervisor._casework = SimpleNamespace(db=db, settings=Settings())
    stop = supervisor.begin(message)

    def ends_meanwhile(tx, living):
        supervisor.end(message)
        return {}

    monkeypatch.setattr(runs, "heartbeat", ends_meanwhile)
    supervisor._beat()
    assert not stop.requested
    lost = supervisor.begin(message)
    monkeypatch.setattr(runs, "heartbeat", lambda tx, living: {})
    supervisor._beat()
    assert lost.requested
