"""If two delete the same thing at once, one succeeds, and the other gets NotFound."""

import pytest
from waiting import Halted, Rival, wait_until_still

from casework.core.model import LabelRef
from casework.core.roles import Role
from casework.errors import NotAConsumer, NotFound
from casework.service import cases, keys, labels, queues
from factories import SETTINGS, TEAM, some_cases, worked_queue


def a_case(db, queue, agent):
    (case_id,) = some_cases(db, queue)
    return lambda db: cases.delete_one(db, SETTINGS, TEAM, case_id)


def a_label(db, queue, agent):
    label = labels.create(db, TEAM, queue.id, LabelRef("urgent"), None)
    return lambda db: labels.delete(db, TEAM, queue.id, label.id)


def a_queue(db, queue, agent):
    return lambda db: queues.delete(db, SETTINGS, TEAM, queue.id)


def an_agent(db, queue, agent):
    return lambda db: queues.delete_agent(db, SETTINGS, TEAM, agent.id)


def a_consumer(db, queue, agent):
    return lambda db: queues.remove_consumer(db, SETTINGS, TEAM, queue.id, agent.id)


def a_key(db, queue, agent):
    key, _ = keys.create(db, TEAM, "key", Role.READER)
    return lambda db: keys.revoke(db, TEAM, key.id)


@pytest.mark.parametrize(
    ("thing", "refusal", "commit"),
    [
        (a_case, NotFound, 1),
        (a_label, NotFound, 1),
        (a_queue, NotFound, 1),
        (a_queue, NotFound, 2),
        (a_queue, NotFound, 3),
        (an_agent, NotFound, 1),
        (a_consumer, NotAConsumer, 1),
        (a_key, NotFound, 1),
    ],
)
def test_one_of_two_simultaneous_deletes_is_refused(committed, thing, refusal, commit):
    queue, agent = worked_queue(committed)
    some_cases(committed, queue)
    delete = thing(committed, queue, agent)
    rivals = []

    def meet():
        rivals.append(Rival(lambda: told(delete, committed, refusal)))
        wait_until_still(committed, rivals[0])

    halted = Halted(committed, meet, commit=commit)
    both = [told(delete, halted, refusal)]
    assert halted.happened
    both.append(rivals[0].result())
    assert sorted(both) == ["deleted", "not there"]


def told(delete, db, refusal):
    try:
        delete(db)
    except refusal:
        return "not there"
    return "deleted"
