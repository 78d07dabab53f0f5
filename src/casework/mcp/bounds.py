"""Keeps results small enough for a model's context; what is left out is said, with how to get it."""

import json
from typing import Any

from pydantic import BaseModel, Field

MAX_DATA = 16_000
"""Characters of a case's data in one result."""

MAX_TEXT = 1_500
"""Characters of a text that is not the point of the result."""


def cut(text: str | None, most: int = MAX_TEXT) -> str | None:
    """The beginning of a text, with how much is missing."""
    if text is None or len(text) <= most:
        return text
    return f"{text[:most]} [{len(text) - most} more characters]"


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


MAX_VALUE = 6_000
"""Characters of a value as JSON, where a result holds several."""


def short(value: Any, most: int = MAX_VALUE) -> Any:
    """The value; or the beginning of its JSON text, if that is longer."""
    text = as_json(value)
    return value if len(text) <= most else cut(text, most)


class WithData(BaseModel):
    """A result with the data of a case: as it is, or as pieces of its JSON text if it is long."""

    data: Any = Field(None, description="The case's data, if it fits.")
    data_text: str | None = Field(None, description="A piece of the data's JSON text, if the data is long.")
    data_next: int | None = Field(None, description="Give it as data_from for the next piece.")


def piece(data: Any, start: int = 0) -> dict[str, Any]:
    """The fields of WithData for a piece that starts at that character."""
    text = as_json(data)
    if len(text) <= MAX_DATA and not start:
        return {"data": data}
    end = start + MAX_DATA
    return {"data_text": text[start:end], "data_next": end if end < len(text) else None}
