"""Reading a list of statuses, as users write it."""

from enum import StrEnum
from typing import TypeVar

from casework.errors import InvalidInput

S = TypeVar("S", bound=StrEnum)


def read_statuses(kind: type[S], text: str | None, field: str) -> tuple[S, ...]:
    """The statuses in a comma-separated text, each once. Raises InvalidInput, which names the field."""
    words = (word.strip() for word in (text or "").split(","))
    try:
        return tuple(dict.fromkeys(kind(word) for word in words if word))
    except ValueError as error:
        raise InvalidInput(f"{field}: {error}; there are {', '.join(kind)}.") from None
