"""Texts with columns in braces: `Invoice {number}`. `{{` and `}}` are braces; anything else in braces is the name of a
column."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from casework.errors import InvalidInput

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[^{}]+")


@cache
def parsed(template: str) -> tuple[tuple[str, str | None], ...]:
    """The parts of a template: texts and columns. Raises InvalidInput for an unmatched brace."""
    parts: list[tuple[str, str | None]] = []
    at = 0
    while at < len(template):
        found = _PART.match(template, at)
        if not found:
            raise InvalidInput(
                f"The template {template!r} has an unmatched {template[at]!r}: write {{column}}, or {{{{ and }}}} for braces."
            )
        if found[1] is not None:
            parts.append(("", found[1]))
        else:
            parts.append(({"{{": "{", "}}": "}"}.get(found[0], found[0]), None))
        at = found.end()
    return tuple(parts)


def columns(template: str) -> set[str]:
    """The columns that a template names."""
    return {name for _, name in parsed(template) if name is not None}


def fill(template: str, record: Mapping[str, Any]) -> str:
    """The template with its columns filled in. Raises InvalidInput if the record has no such column."""
    return "".join(text if name is None else text_of(record, name) for text, name in parsed(template)).strip()


def text_of(record: Mapping[str, Any], name: str) -> str:
    """A record's value as text: nothing for null. Raises InvalidInput if the record has no such column."""
    if name not in record:
        raise InvalidInput(f"it has no column {name!r}")
    value = record[name]
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
