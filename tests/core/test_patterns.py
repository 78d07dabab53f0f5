"""No text takes more than its share: four times the length may take about four times as long."""

import importlib
import pkgutil
import re
from contextlib import suppress
from time import perf_counter

import pytest

import casework
from casework.core.duration import parse_span, parse_when
from casework.core.names import check_name, unknown_field
from casework.core.search import Snippets, parse, searchable, words
from casework.errors import InvalidInput

SIZE = 2000
QUADRATIC = 10
"""Between 4, which is linear, and 16, which is quadratic."""

PIECES = [
    "9",
    "9.",
    " ",
    "a",
    "a ",
    "a.",
    "a:",
    "-",
    '"',
    '"a',
    "_",
    "%(",
    "%(a",
    "cw_",
    "0123456789abcdef",
    "1h",
    "1 h ",
    "\u0660",
    "\n",
]


ENTRY_POINTS = ("__main__", "casework.worker.app", "casework.store.migrations")
"""They begin something when they are imported."""


def patterns():
    for module in pkgutil.walk_packages(casework.__path__, "casework."):
        if not any(name in module.name for name in ENTRY_POINTS):
            for name, value in vars(importlib.import_module(module.name)).items():
                # isinstance would look through Celery's tasks, and so set up the app.
                if type(value) is re.Pattern:
                    yield f"{module.name}.{name}", value


def seconds(act, text):
    """The best of a few, because others use this processor too."""

    def once():
        began = perf_counter()
        with suppress(InvalidInput):
            act(text)
        return perf_counter() - began

    return min(once() for _ in range(5))


def grows_with_its_square(act, piece, tail="", size=SIZE):
    """Measured again if it seems so, because a pause of the machine looks like growth."""

    def ratio():
        small, large = (seconds(act, piece * (length // len(piece)) + tail) for length in (size, 4 * size))
        return large / max(small, 20e-6)

    return all(ratio() > QUADRATIC for _ in range(3))


def test_each_pattern_of_the_code_is_linear():
    found = dict(patterns())
    assert len(found) > 5
    slow = [
        (name, piece)
        for name, pattern in found.items()
        for act in (pattern.fullmatch, lambda text, pattern=pattern: list(pattern.finditer(text)))
        for piece in PIECES
        if grows_with_its_square(act, piece, "!")
    ]
    assert slow == []


@pytest.mark.parametrize(
    "act",
    [
        parse_span,
        parse_when,
        parse,
        words,
        lambda text: searchable("x", text),
        lambda text: Snippets('"a a a b" 9 -c').of(text),
        lambda text: unknown_field([text], ["title", "data"]),
        lambda text: check_name("name", text),
    ],
    ids=["span", "when", "search", "words", "searchable", "snippet", "field", "name"],
)
def test_each_text_that_is_read_takes_linear_time(act):
    for piece in PIECES:
        assert not grows_with_its_square(act, piece), piece


def test_the_measure_sees_a_quadratic_pattern():
    assert grows_with_its_square(re.compile(r"\d+x").findall, "9", size=300)


def test_a_snippet_is_looked_for_in_the_beginning_of_data():
    snippets = Snippets("needle")
    assert snippets.of(["hay " * 1000, "needle"]) == {"before": "", "match": "needle", "after": ""}
    assert snippets.of(["hay " * 10_000, "needle"]) is None
    assert snippets.of([""] * 30_000 + ["needle"]) is None


@pytest.mark.parametrize("query", ["a " * 33, '"' + "a " * 65 + '"', "a" * 1001])
def test_a_search_has_so_many_terms_and_words(query):
    with pytest.raises(InvalidInput, match="A search has at most"):
        parse(query)
