"""Retries, durations and payloads."""

import socket
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.core.duration import parse_span, parse_when
from casework.core.model import LabelRef, NewCase
from casework.core.payload import check_data
from casework.core.retry import MAX_WAIT_SECONDS, backoff, is_transient
from casework.errors import InvalidInput, Transient


class HttpError(Exception):
    def __init__(self, status: int) -> None:
        self.status_code = status


class ReadTimeout(Exception):
    """As httpx names it."""


def raised_from(cause: Exception) -> Exception:
    error = RuntimeError("wrapped")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        Transient("x"),
        TimeoutError(),
        ConnectionRefusedError(),
        ConnectionResetError(),
        socket.gaierror(),
        ReadTimeout(),
        raised_from(TimeoutError()),
        *(HttpError(status) for status in (429, 502, 503, 504)),
    ],
)
def test_passing_conditions_are_transient(error):
    assert is_transient(error)


@pytest.mark.parametrize(
    "error", [ValueError(), KeyError("x"), HttpError(400), HttpError(404), HttpError(500), PermissionError()]
)
def test_everything_else_is_not(error):
    assert not is_transient(error)


def test_an_error_while_handling_a_timeout_is_not_transient():
    try:
        try:
            raise TimeoutError
        except TimeoutError:
            raise ValueError("a bug in the handler")  # noqa: B904 - the implicit context is the point
    except ValueError as error:
        assert not is_transient(error)


@given(st.integers(1, 1000), st.floats(0.01, 10), st.floats(0, 1))
def test_backoff_grows_and_ends_at_a_minute(failures, base, jitter):
    wait = backoff(failures, base, jitter)
    assert 0 < wait <= MAX_WAIT_SECONDS
    assert wait <= backoff(failures + 1, base, jitter)
    assert wait >= backoff(failures, base, 0) / 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("2h", 7200), ("1d", 86400), ("1w", 604800), ("1h 30m", 5400), ("0.5s", 0.5), ("0s", 0)],
)
def test_spans(text, seconds):
    assert parse_span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "2", "h", "2 hours", "-1h", "1h;", "99999w", "1e3s"])
def test_what_is_no_span_is_refused(text):
    with pytest.raises(InvalidInput):
        parse_span(text)


def test_moments_need_a_zone():
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
def test_data_that_cannot_be_stored_is_refused(data):
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
def test_every_other_json_value_is_accepted(data):
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
def test_cases_out_of_bounds_are_refused(make):
    with pytest.raises(InvalidInput):
        make()
