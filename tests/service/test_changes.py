"""What runs and people change of a case, and what its history says about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.core import changes
from casework.core.model import LabelRef, NewCase, Priority
from casework.errors import InvalidInput
from casework.service import cases, labels
from factories import TEAM, a_queue, claim, history, some_cases, the_case, work, worked_queue

ROME, OSLO = LabelRef("Rome", "city"), LabelRef("Oslo", "city")


def last_changes(db, case_id):
    return cases.get(db, TEAM, case_id)[1][-1].changes


def test_one_change_by_a_person_is_one_line_with_old_and_new_values(db):
    queue = a_queue(db)
    (case_id,) = cases.create(db, queue.id, [NewCase("a", {"zip": None, "n": 1, "old": 0}, (ROME,))]).value
    new = {"zip": "10027", "n": 1, "new": [2]}
    cases.update(db, TEAM, case_id, title="b", data=new, priority=Priority.HIGH, relabel=lambda has: {OSLO})
    assert history(db, case_id) == ["created", "updated"]
    assert last_changes(db, case_id) == [
        {"field": "title", "old": "a", "new": "b"},
        {"field": "data.zip", "old": None, "new": "10027"},
        {"field": "data.old", "old": 0},
        {"field": "data.new", "new": [2]},
        {"field": "priority", "old": "none", "new": "high"},
        {"field": "labels", "old": ["city=Rome"], "new": ["city=Oslo"]},
    ]


def test_labels_that_are_assigned_and_taken_off_are_in_the_history(db):
    queue = a_queue(db)
    (case_id,) = some_cases(db, queue)
    (rome,) = labels.assign(db, TEAM, queue.id, case_id, [ROME])
    labels.assign(db, TEAM, queue.id, case_id, [ROME])
    assert last_changes(db, case_id) == [{"field": "labels", "old": [], "new": ["city=Rome"]}]
    labels.unlink(db, TEAM, queue.id, case_id, [rome.id, TEAM])
    labels.unlink(db, TEAM, queue.id, case_id, [rome.id])
    assert last_changes(db, case_id) == [{"field": "labels", "old": ["city=Rome"], "new": []}]
    assert history(db, case_id) == ["created", "labels_changed", "labels_changed"]


@pytest.mark.parametrize(
    ("target", "reason", "priority", "carried"),
    [
        ("triages", "sorted, high, city=Rome, team=north", Priority.HIGH, ["city=Rome", "team=north"]),
        ("triages_async", "medium, seen", Priority.MEDIUM, ["seen"]),
    ],
)
def test_a_run_sets_priority_and_labels(db, target, reason, priority, carried):
    queue, _ = worked_queue(db, f"sample_agents:{target}")
    (case_id,) = cases.create(db, queue.id, [NewCase("a", "", (ROME,))]).value
    work(db, claim(db)[0])
    case = the_case(db, case_id)
    assert (case.priority, [str(LabelRef(one.value, one.key)) for one in case.labels]) == (priority, carried)
    events = cases.get(db, TEAM, case_id)[1]
    assert events[-1].reason == reason
    changed = [event for event in events if event.changes]
    assert {event.agent_name for event in changed} == {"worker"}
    assert changed[-1].changes[-1] == {"field": "labels", "old": ["city=Rome"], "new": carried}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"title": ""}, "title is empty"),
        ({"priority": "urgent"}, "priority 'urgent' does not exist"),
        ({"priority": "high", "labels": [{"value": ""}]}, "label's value is empty"),
        ({"labels": [{"nmae": "x"}]}, "Unknown label field 'nmae'"),
        ({"priority": "high", "labels": [{"value": str(n)} for n in range(51)]}, "51 labels; 50 is the most"),
        ({}, "at least one of title, data, priority and labels"),
    ],
)
def test_an_update_that_cannot_be_fails_the_run_and_changes_nothing(db, given, why):
    queue, _ = worked_queue(db, "sample_agents:updates_as_told")
    (case_id,) = some_cases(db, queue, data=given)
    work(db, claim(db)[0])
    case = the_case(db, case_id)
    assert (case.title, case.priority, case.labels) == ("case 0", Priority.NONE, ())
    assert why in cases.get(db, TEAM, case_id)[1][-1].reason


def test_a_run_changes_the_title_of_a_case_with_very_many_labels(db):
    queue, _ = worked_queue(db, "sample_agents:updates_as_told")
    (case_id,) = some_cases(db, queue, data={"title": "b"})
    for start in (0, 30):
        labels.assign(db, TEAM, queue.id, case_id, [LabelRef(str(number)) for number in range(start, start + 30)])
    work(db, claim(db)[0])
    case = the_case(db, case_id)
    assert (case.title, len(case.labels)) == ("b", 60)


def test_a_change_that_is_refused_changes_nothing(db):
    def refuse(has):
        raise InvalidInput("no")

    queue = a_queue(db)
    (case_id,) = some_cases(db, queue)
    with pytest.raises(InvalidInput):
        cases.update(db, TEAM, case_id, title="b", relabel=refuse)


def test_what_is_long_is_cut_in_the_history_and_nowhere_else(db):
    queue = a_queue(db)
    (case_id,) = some_cases(db, queue, data={"text": "a" * 10_000})
    cases.update(db, TEAM, case_id, data={str(number): "b" * 10_000 for number in range(100)})
    found = last_changes(db, case_id)
    assert len(found) == changes.MOST
    assert max(len(one.get("new", "")) for one in found) == changes.MOST_CHARACTERS
    assert len(the_case(db, case_id).data["99"]) == 10_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(json_values, json_values)
def test_whatever_differs_is_named_and_nothing_else(old, new):
    found = changes.of_fields({"data": old}, {"data": new})
    assert bool(found) == (distinct(old) != distinct(new))
    assert all("old" in one or "new" in one for one in found)


def distinct(value):
    """As JSON sees it: true is not 1."""
    if isinstance(value, dict):
        return {name: distinct(item) for name, item in value.items()}
    if isinstance(value, list):
        return [distinct(item) for item in value]
    return type(value).__name__, value
