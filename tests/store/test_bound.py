"""Cases that are worked on: they stand in no index of lists, and nobody who reads lists notices."""

import pytest

from casework.core.lifecycle import CaseStatus
from casework.core.model import CaseFilter
from casework.store import cases, figures, listing
from casework.store.listing import NEWEST_FIRST, Order, SortOrder
from factories import claim, some_cases, worked_queue


@pytest.mark.parametrize("direction", SortOrder)
def test_a_case_that_is_worked_on_has_its_place_in_lists_and_counts(db, clock, direction):
    queue, _ = worked_queue(db, concurrency=2)
    ids = []
    for _ in range(3):
        ids += some_cases(db, queue)
        clock.forward(1)
    claim(db)
    expected = ids if direction is SortOrder.ASC else ids[::-1]
    with db.begin() as tx:
        found, _ = listing.page(tx, queue.id, CaseFilter(), Order(direction=direction), limit=10)
        assert [case.id for case in found] == expected
        worked_on, _ = listing.page(tx, queue.id, CaseFilter((CaseStatus.CLAIMED,)), NEWEST_FIRST, limit=10)
        assert {case.id for case in worked_on} == set(ids[:2])
        assert listing.total(tx, queue.id, CaseFilter()) == 3
        assert listing.total_up_to(tx, queue.id, CaseFilter((CaseStatus.CLAIMED,)), 10).number == 2
        assert figures.by_status(tx, [queue.id])[queue.id][CaseStatus.CLAIMED].number == 2
        assert cases.ids_of(tx, queue.id, clock.now, 10) == ids
