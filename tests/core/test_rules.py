"""Durations and payloads."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.core.duration import parse_span, parse_when
from casework.core.model import LabelRef, NewCase
from casework.core.payload import check_data
from casework.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("2h", 7200), ("1d", 86400), ("1w", 604800), ("1h 30m", 5400), ("0.5s", 0.5), ("0s", 0)],
)
def test_parses_spans(text, seconds):
    assert parse_span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "2", "h", "2 hours", "-1h", "1h;", "99999w", "1e3s"])
def test_refuses_malformed_spans(text):
    with pytest.raises(InvalidInput):
        parse_span(text)


def test_refuses_moments_without_a_zone():
    assert parse_when("2026-05-01T10:00:00+02:00") == datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert parse_when("2026-05-01T08:00:00Z") == datetime(2026, 5, 1, 8, tzinfo=UTC)
    for naive in ("2026-05-01", datetime(2026, 5, 1)):  # noqa: DTZ001 - naive on purpose
        with pytest.raises(InvalidInput, match="time zone"):
            parse_when(naive)
    with pytest.raises(InvalidInput):
        parse_when(timedelta(seconds=-1))
    for neither in (90, 1.5, None):
        with pytest.raises(InvalidInput, match=f"'{neither}' is not a duration"):
            parse_when(neither)


nested = [1]
for _ in range(200):
    nested = [nested]


@pytest.mark.parametrize(
    "data", ["a\0b", {"a": "\ud800"}, {"a\0": 1}, float("nan"), [float("inf")], {1: 2}, {"a": {1, 2}}, object(), nested]
)
def test_refuses_data_that_cannot_be_stored(data):
    with pytest.raises(InvalidInput):
        check_data("data", data)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=10,
)


@given(json_values)
def test_accepts_every_other_json_value(data):
    check_data("data", data)


@pytest.mark.parametrize(
    "make",
    [
        lambda: NewCase(""),
        lambda: NewCase("x" * 501),
        lambda: NewCase("a\0"),
        lambda: NewCase("x", labels=tuple(LabelRef(str(n)) for n in range(51))),
        lambda: LabelRef(""),
        lambda: LabelRef("x" * 201),
    ],
)
def test_refuses_cases_out_of_bounds(make):
    with pytest.raises(InvalidInput):
        make()
