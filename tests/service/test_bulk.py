"""Acts on all cases that match."""

from functools import partial

import pytest

from casework.core.counting import Count
from casework.core.lifecycle import CaseStatus
from casework.core.model import CaseFilter, LabelRef, NewCase, Priority
from casework.errors import NotFound
from casework.service import bulk, cases
from factories import SETTINGS, TEAM, a_queue, running, some_cases, the_case, worked_queue

FAILED = CaseFilter((CaseStatus.FAILED,))


def fail(db, queue, ids):
    cases.settle(db, SETTINGS, queue.id, ids, CaseStatus.FAILED, "broken")


def act(db, queue, wanted, how):
    matching = bulk.count(db, TEAM, queue.name, wanted)
    return [done.value for done in bulk.on_all(db, TEAM, queue.name, wanted, matching.until, how)]


def test_counts_what_matches_and_nothing_that_came_later(db, clock):
    queue = a_queue(db)
    fail(db, queue, some_cases(db, queue, 3))
    clock.forward(1)
    matching = bulk.count(db, TEAM, queue.name, FAILED)
    assert matching.count == Count(3)
    clock.forward(1)
    later = some_cases(db, queue, 2)
    fail(db, queue, later)
    retry = partial(cases.retry, db, SETTINGS)
    (done,) = [one.value for one in bulk.on_all(db, TEAM, queue.name, FAILED, matching.until, retry)]
    assert (done.moved, done.skipped) == (3, 0)
    assert {the_case(db, id).status for id in later} == {CaseStatus.FAILED}


def test_acts_on_each_case_once_although_it_then_matches_no_more(db, clock):
    queue = a_queue(db)
    ids = some_cases(db, queue, 2 * bulk.BATCH + 1)
    for start in range(0, len(ids), 1000):
        fail(db, queue, ids[start : start + 1000])
    clock.forward(1)
    steps = act(db, queue, FAILED, partial(cases.retry, db, SETTINGS))
    assert [one.moved for one in steps] == [bulk.BATCH, 2 * bulk.BATCH, len(ids)]
    assert bulk.count(db, TEAM, queue.name, CaseFilter((CaseStatus.PENDING,))).count == Count(len(ids))


def test_says_by_status_what_was_skipped(db, clock):
    queue, _ = worked_queue(db)
    case_id, _ = running(db, queue)
    some_cases(db, queue, 2)
    clock.forward(1)
    (done,) = act(db, queue, CaseFilter(), partial(cases.retry, db, SETTINGS))
    assert (done.moved, done.interrupted, done.refused) == (1, 1, {CaseStatus.PENDING: 2})
    assert the_case(db, case_id).status is CaseStatus.PENDING


def test_says_what_was_skipped_by_the_same_agents_too(db, clock):
    queue, _ = worked_queue(db)
    running(db, queue)
    some_cases(db, queue, 2)
    clock.forward(1)
    (done,) = act(db, queue, CaseFilter(), partial(cases.retry, db, SETTINGS, same_agent=True))
    assert (done.moved, done.refused, done.gone) == (1, {CaseStatus.PENDING: 2}, 0)


def test_counts_cases_that_are_gone_apart_from_refused_ones(db, clock):
    queue = a_queue(db)
    kept, gone = some_cases(db, queue, 2)

    def delete_first(queue_id, ids):
        cases.delete(db, SETTINGS, queue_id, [gone])
        return cases.settle(db, SETTINGS, queue_id, ids, CaseStatus.COMPLETED)

    clock.forward(1)
    (done,) = act(db, queue, CaseFilter(), delete_first)
    assert (done.moved, done.gone, done.refused.total()) == (1, 1, 0)
    assert the_case(db, kept).status is CaseStatus.COMPLETED


@pytest.mark.parametrize("search", ["", "rare", "case"])
def test_finds_by_label_and_words(db, clock, search):
    queue = a_queue(db)
    label = LabelRef("urgent")
    cases.create(db, queue.id, [NewCase("case rare", labels=(label,)), NewCase("case", labels=(label,)), NewCase("x")])
    clock.forward(1)
    wanted = CaseFilter(labels={"": ("urgent",)}, search=search)
    expected = 1 if search == "rare" else 2
    assert bulk.count(db, TEAM, queue.name, wanted).count == Count(expected)
    (done,) = act(db, queue, wanted, partial(bulk.prioritize, db, priority=Priority.HIGH))
    assert done.moved == expected


def test_raises_not_found_for_another_queue(db):
    with pytest.raises(NotFound):
        bulk.count(db, TEAM, "nowhere", FAILED)


def test_changes_the_priority_with_a_line_in_the_history(db):
    queue = a_queue(db)
    ids = some_cases(db, queue, 2)
    done = bulk.prioritize(db, queue.id, ids, Priority.HIGH)
    assert (done.value.moved, done.effects.nudge) == (sorted(ids), True)
    case, events = cases.get(db, TEAM, ids[0])
    assert case.priority is Priority.HIGH
    assert events[-1].changes == [{"field": "priority", "old": "none", "new": "high"}]
