"""The records that every reader yields."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

MAX_COLUMNS = 5_000
_LISTED = 20


@dataclass(frozen=True, slots=True)
class BadLine:
    """A record that cannot become a case, and why."""

    line: int
    reason: str


Record = tuple[int, Mapping[str, Any]]
"""A line's number, and the values by their columns."""


def nearest(name: str, known: Iterable[str], cutoff: float = 0.7) -> str:
    """`; did you mean 'x'?`, or nothing if no known name is similar. `cutoff` is the least similarity, from 0 to 1."""
    by_lower = {one.lower(): one for one in known}
    found = get_close_matches(name.lower(), by_lower, 1, cutoff)
    return f"; did you mean {by_lower[found[0]]!r}?" if found else ""


def quoted(names: Iterable[str]) -> str:
    """The names as a list; of very many, only the first."""
    listed = list(names)
    rest = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return ", ".join(map(repr, listed[:_LISTED])) + rest
