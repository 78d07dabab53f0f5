"""Lists of parameters come to the server as the driver would send them."""

from uuid import UUID

import pytest

from casework.store.ids import new_id, new_parameters

IDS = [UUID(int=0), UUID(int=2**128 - 1)]
LISTS = {
    "uuid": [[], IDS, [IDS[0], None], [[IDS[0]], [IDS[1]]]],
    "text": [[], ["", "ä€\U0001f600", 'a "quoted", {braced} \\ one', "NULL"], ["a", None], [["a"], ["b"]]],
    "int": [[], [0, -1, 32767], [40_000, -40_000], [2**31 - 1], [1, None]],
    "float": [[], [0.0, -1.5, float("inf")], [0.5, None]],
}


@pytest.mark.parametrize(("type", "values"), [(type, values) for type, lists in LISTS.items() for values in lists])
def test_a_list_arrives_as_it_was_sent(db, type, values):
    with db.begin() as tx:
        row = tx.sql(f"select %(packed)b::{type}[], %(written)s::{type}[]", {"packed": values, "written": values}).one()
    assert tuple(row) == (values, values)


def test_ids_that_are_made_to_be_sent_follow_all_others(db):
    made = [new_id(), *new_parameters(2), new_id()]
    with db.begin() as tx:
        sent = tx.sql("select %(ids)b::uuid[]", {"ids": made[1:3]}).scalar_one()
    assert sent == sorted(sent)
    assert made[0] < sent[0]
    assert sent[1] < made[3]
