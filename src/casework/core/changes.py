"""What a change of a case changed: old and new values for its history, short enough to be kept with each line."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from casework.core.model import LabelRef
from casework.core.requests import Answer, Asks, Decision

MOST = 50
"""Entries that one change keeps. Data may have thousands of names."""

MOST_CHARACTERS = 200
"""Characters of a value; what is longer is kept as text, up to this length. Data may hold a megabyte."""

Change = dict[str, Any]
"""A `field`, with its `old` and `new` value; a name in data that was not there has no `old`, and one that went no `new`."""


def of_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """The fields whose values differ. Of data that is an object before and after, the names in it."""
    found: list[Change] = []
    for field, value in new.items():
        before = old[field]
        if field == "data" and isinstance(before, dict) and isinstance(value, dict):
            found += _of_names("data", before, value)
        elif _differs(before, value):
            found.append({"field": field, "old": _short(before), "new": _short(value)})
    return found[:MOST]


def of_labels(old: Iterable[LabelRef], new: Iterable[LabelRef]) -> list[Change]:
    """The change from these labels to those, if they differ."""
    before, after = set(old), set(new)
    if before == after:
        return []
    return [{"field": "labels", "old": _texts(before), "new": _texts(after)}]


def _texts(labels: Iterable[LabelRef]) -> list[str]:
    return sorted(str(label) for label in labels)


def of_answer(asks: Asks, given: Answer) -> list[Change]:
    """What people decided, and what they changed of an action's arguments."""
    found: list[Change] = [{"field": "decision", "new": given.decision}]
    if given.decision is Decision.RESPOND:
        found.append({"field": "answer", "new": _short(given.value)})
    if given.decision is Decision.EDIT and asks.action:
        found += _of_names("arguments", asks.action.arguments, given.arguments or {})[:MOST]
    return [*found, *of_message(given)]


def of_message(given: Answer) -> list[Change]:
    """What people said besides."""
    return [{"field": "message", "new": _short(given.message)}] if given.message else []


def _of_names(field: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    found: list[Change] = []
    for name in dict.fromkeys((*old, *new)):
        if name in old and name in new and not _differs(old[name], new[name]):
            continue
        change: Change = {"field": f"{field}.{_short(name)}"}
        if name in old:
            change["old"] = _short(old[name])
        if name in new:
            change["new"] = _short(new[name])
        found.append(change)
    return found


def _differs(old: Any, new: Any) -> bool:
    # As JSON, because in Python 1 and true are equal.
    return json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True)


def _short(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
