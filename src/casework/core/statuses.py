"""Reading a list of statuses, as users write it."""

from enum import StrEnum
from typing import TypeVar

from casework.core.names import unknown_field
from casework.errors import InvalidInput

S = TypeVar("S", bound=StrEnum)


def read_statuses(kind: type[S], text: str | None, field: str) -> tuple[S, ...]:
    """The statuses in a comma-separated text, each once. Raises InvalidInput, which names the field."""
    words = [word for word in map(str.strip, (text or "").split(",")) if word]
    if problem := unknown_field(words, [str(one) for one in kind], "status"):
        raise InvalidInput(f"{field}: {problem}")
    return tuple(dict.fromkeys(map(kind, words)))
