"""A label is assigned while somebody deletes it."""

import pytest
from waiting import Rival, wait_until_blocked

from casework.core.model import LabelRef, NewCase
from casework.service import cases, labels
from casework.store import labels as label_store
from factories import TEAM, worked_queue

URGENT = LabelRef("urgent")


@pytest.fixture
def queue(committed):
    return worked_queue(committed)[0]


@pytest.fixture
def label(committed, queue):
    return labels.create(committed, TEAM, queue.id, URGENT, None)


def values(db, queue, case_id):
    return [one.value for one in labels.of_case(db, TEAM, queue.id, case_id, limit=10, offset=0)]


def test_recreates_a_label_that_is_deleted_first(committed, queue, label):
    with committed.begin() as tx:
        assert label_store.delete(tx, queue.id, label.id)
        rival = Rival(lambda: cases.create(committed, queue.id, [NewCase("case", labels=(URGENT,))]).value)
        wait_until_blocked(committed, rival)
    (case_id,) = rival.result()
    assert values(committed, queue, case_id) == ["urgent"]


def test_deletes_a_label_with_an_assignment_that_came_first(committed, queue, label):
    (case_id,) = cases.create(committed, queue.id, [NewCase("case")]).value
    with committed.begin() as tx:
        assert label_store.ensure(tx, queue.id, [URGENT]) == {URGENT: label.id}
        rival = Rival(lambda: labels.delete(committed, TEAM, queue.id, label.id))
        wait_until_blocked(committed, rival)
        assert label_store.assign(tx, queue.id, [(case_id, [URGENT])]) == 1
    rival.result()
    assert values(committed, queue, case_id) == []
    assert labels.of_queue(committed, TEAM, queue.id, limit=10, offset=0) == []
