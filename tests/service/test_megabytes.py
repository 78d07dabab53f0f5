"""A megabyte here and there, and what is too long."""

import pytest

from casework.core.lifecycle import CaseStatus
from casework.core.model import CaseFilter, NewCase
from casework.service import cases, runs
from casework.store import listing
from factories import TEAM, a_queue, claim, some_cases, the_case, work, worked_queue

MEGABYTE = 1_000_000


@pytest.mark.parametrize("letter", ["x", "é", "𐐨"])
def test_keeps_data_with_too_many_words_and_finds_it_by_the_first(db, letter):
    queue = a_queue(db)
    data = " ".join(f"{letter * 58}{number:06}" for number in range(20_000))
    (case_id,) = cases.create(db, queue.id, [NewCase("long", data)]).value
    assert the_case(db, case_id).data == data
    with db.begin() as tx:
        wanted = CaseFilter(search=f"{letter * 58}000007")
        assert [case.id for case in listing.page(tx, queue.id, wanted, limit=1)[0]] == [case_id]
    cases.update(db, TEAM, case_id, data=data[::-1])
    assert the_case(db, case_id).data == data[::-1]


def test_stores_a_megabyte_that_an_agent_says(db):
    queue, _ = worked_queue(db, "sample_agents:says_much")
    (case_id,) = some_cases(db, queue, data={"size": MEGABYTE})
    (message,) = claim(db)
    assert work(db, message) == "completed"
    said = runs.list_messages(db, TEAM, message.run_id, limit=10)
    assert [len(one.content["text"]) for one in said] == [MEGABYTE]
    assert len(the_case(db, case_id).data["text"]) == MEGABYTE
    assert [case.id for case in cases.find(db, queue.id, CaseFilter((CaseStatus.COMPLETED,)), limit=1)] == [case_id]


def test_fails_a_case_whose_step_has_too_long_a_name_and_says_so(db):
    queue, _ = worked_queue(db, "sample_agents:names_a_step_by_its_data")
    (case_id,) = some_cases(db, queue, data="x" * 201)
    assert work(db, claim(db)[0]) == "failed"
    reason = cases.get(db, TEAM, case_id)[1][-1].reason
    assert reason == "InvalidInput: The step's name has 201 characters; 200 is the most."
