"""What text and data a case may carry: what PostgreSQL can store and every reader can read."""

import math
import re
from typing import Any

from casework.errors import InvalidInput

MAX_DEPTH = 100

_HALF = re.compile("[\ud800-\udfff]")


def check_text(what: str, text: str, *, most: int | None = None, least: int = 0) -> None:
    """Raise InvalidInput for a text that is too short or long, or holds NUL or half a character."""
    if not isinstance(text, str):
        raise InvalidInput(f"The {what} must be text.")
    if len(text) < least:
        raise InvalidInput(f"The {what} is empty.")
    if most is not None and len(text) > most:
        raise InvalidInput(f"The {what} has {len(text)} characters; {most} is the most.")
    if "\0" in text:
        raise InvalidInput(f"The {what} holds a NUL character.")
    if not text.isascii() and _HALF.search(text):
        raise InvalidInput(f"The {what} holds half of a surrogate pair.")


def storable(text: str) -> str:
    """The text as it can be stored: NUL and halves of characters written out."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def check_data(what: str, data: Any, depth: int = 0) -> None:
    """Raise InvalidInput for what is no JSON value, is nested too deeply, or holds text that cannot be stored."""
    if depth > MAX_DEPTH:
        raise InvalidInput(f"The {what} is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(data, str):
        check_text(what, data)
    elif isinstance(data, float):
        if not math.isfinite(data):
            raise InvalidInput(f"The {what} holds {data}, which is no JSON number.")
    elif isinstance(data, dict):
        for key, value in data.items():
            check_text(f"{what}'s keys", key)
            check_data(what, value, depth + 1)
    elif isinstance(data, list | tuple):
        for value in data:
            check_data(what, value, depth + 1)
    elif data is not None and not isinstance(data, bool | int):
        raise InvalidInput(f"The {what} holds a {type(data).__name__}, which is no JSON value.")
