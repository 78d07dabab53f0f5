"""A megabyte here and there, and what is too long."""

import pytest

from casework.core.model import NewCase
from casework.service import cases
from casework.store import listing
from casework.store.listing import Wanted
from factories import TEAM, a_queue, the_case

MEGABYTE = 1_000_000


@pytest.mark.parametrize("letter", ["x", "é", "𐐨"])
def test_data_with_more_words_than_an_index_takes_is_kept_and_found_by_its_first(db, letter):
    queue = a_queue(db)
    data = " ".join(f"{letter * 58}{number:06}" for number in range(20_000))
    (case_id,) = cases.create(db, queue.id, [NewCase("long", data)]).value
    assert the_case(db, case_id).data == data
    with db.begin() as tx:
        wanted = Wanted(queue.id, tsquery=f"'{letter * 58}000007'")
        assert [case.id for case in listing.page(tx, wanted, limit=1, offset=0)[0]] == [case_id]
    cases.update(db, TEAM, case_id, data=data[::-1])
    assert the_case(db, case_id).data == data[::-1]
