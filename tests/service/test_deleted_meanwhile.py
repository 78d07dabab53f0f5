"""Whoever looks at all queues is not stopped by one that somebody deletes at the same time."""

from types import SimpleNamespace

from casework.checkup import keys_and_queues
from casework.service import queues
from factories import SETTINGS, TEAM, a_queue
from seams import Interrupted, Through


def losing_a_queue(db, before):
    """A database, at which a queue is deleted before a certain statement."""
    lost = [a_queue(db, "lost")]

    def delete():
        while lost:
            queues.delete(db, SETTINGS, TEAM, lost.pop().id)

    return Through(db, lambda tx: Interrupted(tx, before, delete))


def test_queues_are_listed_with_what_they_hold(db):
    a_queue(db, "kept")
    seen = queues.find_with_stats(losing_a_queue(db, "count(*) as n from cases"), TEAM)
    assert [queue.name for queue, _ in seen] == ["kept", "lost"]
    assert [queue.name for queue, _ in queues.find_with_stats(db, TEAM)] == ["kept"]


def test_doctor_goes_on_to_the_next_queue(db):
    a_queue(db, "next one")
    casework = SimpleNamespace(
        db=losing_a_queue(db, "from queues where team_id = %(team_id)s and"), settings=SETTINGS, team_id=TEAM
    )
    assert "queue next one" in {one.check for one in keys_and_queues(casework)}
