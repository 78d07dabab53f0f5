"""An agent that looks for a field which its data does not have fails with a reason that says so, and where."""

import os
from pathlib import Path

import pytest

from calling import call
from casework import Complete, agent
from casework.agents import lookups

HERE = Path(__file__).name


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "there is no 'zip' (KeyError: 'zip')"),
        ("text", "text has no fields (TypeError: string indices must be integers"),
        ([], "a list has no fields (TypeError: list indices must be integers"),
        (None, "null has no fields (TypeError: 'NoneType' object is not subscriptable)"),
        (5, "a number has no fields (TypeError: 'int' object is not subscriptable)"),
        (1.5, "a number has no fields (TypeError: 'float' object is not subscriptable)"),
        (True, "true and false have no fields (TypeError: 'bool' object is not subscriptable)"),
    ],
)
def test_a_missing_field_is_named_with_its_place(data, said):
    @agent
    def looks(run):
        return Complete(data["zip"])

    line = looks.function.__code__.co_firstlineno + 2
    assert call(looks).reason.startswith(f"{HERE}, line {line}: {said}")


@pytest.mark.parametrize("error", [KeyError(5), KeyError("a", "b"), TypeError("x is no y"), ValueError("'zip'")])
def test_another_error_is_described_as_it_is(error):
    @agent
    def raises(run):
        raise error

    assert call(raises).reason == f"{type(error).__name__}: {error}"


def test_a_lookup_in_a_library_is_described_as_it_is():
    @agent
    def reads(run):
        return Complete(os.environ["CASEWORK_TEST_NOT_THERE"])

    assert call(reads).reason == "KeyError: 'CASEWORK_TEST_NOT_THERE'"


def test_an_error_that_was_never_raised_has_no_place():
    assert lookups.explain(KeyError("zip")) is None
