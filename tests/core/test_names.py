"""Names that a person can see and tell from one another, and fields that do not exist."""

import pytest

from casework.agents.new_cases import new_case
from casework.core.model import LabelRef, NewCase, Priority
from casework.core.names import check_fields
from casework.errors import InvalidInput


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"concurency": 1}, "Unknown field 'concurency': did you mean 'concurrency'? Known: concurrency, trigger."),
        ({"nothing like it": 1}, "Unknown field 'nothing like it': Known: concurrency, trigger."),
        (
            {"triger": 1, "b": 2},
            "Unknown field 'triger' (and 1 more): did you mean 'trigger'? Known: concurrency, trigger.",
        ),
        ({"\ud800": 1}, "Unknown field '\\\\ud800': Known: concurrency, trigger."),
    ],
)
def test_an_unknown_field_is_named_with_the_nearest_known_one(given, message):
    with pytest.raises(InvalidInput) as caught:
        check_fields(given, ("trigger", "concurrency"))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"titel": "x"}, "did you mean 'title'"),
        ({"title": "x", "labels": [{"valu": "x"}]}, "did you mean 'value'"),
        ({"title": "x", "labels": ["x"]}, "a mapping with value and key"),
        ({"title": "x", "priority": "urgent"}, "known: none, medium, high"),
        ({"title": "x", "priority": ["none"]}, "known: none, medium, high"),
        ({"title": None}, "title must be text"),
        ({"data": 1}, "no title"),
    ],
)
def test_a_mapping_that_is_not_a_case_says_what_is_wrong(given, message):
    with pytest.raises(InvalidInput, match=message):
        new_case(given)


def test_a_mapping_becomes_a_case():
    given = {"title": "x", "data": [1], "labels": [{"value": "v", "key": "k"}], "priority": "high", "key": "1"}
    assert new_case(given) == NewCase("x", [1], (LabelRef("v", "k"),), Priority.HIGH, "1")
