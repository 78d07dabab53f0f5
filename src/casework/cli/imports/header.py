"""Unique names for columns, even if a file repeats names or leaves them out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from casework.cli.imports.records import MAX_COLUMNS, quoted
from casework.errors import InvalidInput


def named(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """A unique name for each column, and notes about names that were changed. Raises InvalidInput for too many
    columns."""
    if len(given) > MAX_COLUMNS:
        raise InvalidInput(f"The header has {len(given):,} columns; {MAX_COLUMNS:,} is the most.")
    stripped = [name.strip() for name in given]
    counts = Counter(stripped)
    taken = set(counts)
    names: list[str] = []
    used: set[str] = set()
    for position, name in enumerate(stripped, 1):
        new = name or f"column {position}"
        number = 1
        while new in used or (new != name and new in taken):
            number += 1
            new = numbered(name or f"column {position}", number)
        used.add(new)
        names.append(new)
    repeated = [name for name, count in counts.items() if name and count > 1]
    notes = [
        f"The header has {counts[name]} columns named {name!r}: the others are {numbered(name, 2)!r} and so on."
        for name in repeated[:3]
    ]
    if len(repeated) > 3:
        notes.append(f"The same holds for {quoted(repeated[3:])}.")
    if counts[""]:
        unnamed = [name for name, was in zip(names, stripped, strict=True) if not was]
        notes.append(f"Columns without a name are read as {quoted(unnamed)}.")
    return names, notes


def numbered(name: str, number: int) -> str:
    """The name of a repeated column."""
    return name if number == 1 else f"{name} ({number})"


def same_named(record: Mapping[str, Any], name: str) -> list[str]:
    """The columns with that name in the file."""
    found = [name]
    while (following := numbered(name, len(found) + 1)) in record:
        found.append(following)
    return found
