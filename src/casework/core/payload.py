"""Text and data that a case may carry: PostgreSQL can store it, and every client can read it."""

import math
import re
from typing import Any

from casework.errors import InvalidInput

MAX_DEPTH = 100

MAX_REASON = 2000
"""Characters of why a case ended, or waits."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def check_text(what: str, text: str, *, most: int | None = None, least: int = 0) -> None:
    """Raise InvalidInput for text that is too short or too long, or contains NUL or a lone surrogate."""
    if not isinstance(text, str):
        raise InvalidInput(f"The {what} must be text.")
    if len(text) < least:
        raise InvalidInput(f"The {what} is empty.")
    if most is not None and len(text) > most:
        raise InvalidInput(f"The {what} has {len(text)} characters; {most} is the most.")
    if "\0" in text:
        raise InvalidInput(f"The {what} contains a NUL character.")
    if not text.isascii() and _LONE_SURROGATE.search(text):
        raise InvalidInput(f"The {what} contains a lone surrogate.")


def storable(text: str) -> str:
    """The text as it can be stored: NUL and lone surrogates are escaped."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def refuse_constant(name: str) -> None:
    """For a JSON decoder's `parse_constant`: NaN and infinities are not JSON. Raises ValueError."""
    raise ValueError(f"{name} is not a JSON number")


def check_data(what: str, data: Any, depth: int = 0) -> None:
    """Raise InvalidInput for data that is not JSON, is nested too deeply, or contains text that cannot be stored."""
    if depth > MAX_DEPTH:
        raise InvalidInput(f"The {what} is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(data, str):
        check_text(what, data)
    elif isinstance(data, float):
        if not math.isfinite(data):
            raise InvalidInput(f"The {what} contains {data}, which JSON has no number for.")
    elif isinstance(data, dict):
        for key, value in data.items():
            check_text(f"{what}'s keys", key)
            check_data(what, value, depth + 1)
    elif isinstance(data, list | tuple):
        for value in data:
            check_data(what, value, depth + 1)
    elif data is not None and not isinstance(data, bool | int):
        raise InvalidInput(f"The {what} contains a {type(data).__name__}, which JSON has no value for.")
