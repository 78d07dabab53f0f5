"""Types of what comes in: bounds that the documentation shows, and text that PostgreSQL can store."""

import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, WithJsonSchema

from casework.core.payload import check_data, check_text
from casework.errors import InvalidInput

_HEX = "[0-9a-fA-F]"
LOOSE_UUID = f"^({_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}})$"
STRICT_UUID = (
    f"^({_HEX}{{8}}-{_HEX}{{4}}-[1-8]{_HEX}{{3}}-[89abAB]{_HEX}{{3}}-{_HEX}{{12}}"
    "|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff)$"
)
MAX_OFFSET = 9007199254740991


def _storable(text: str) -> str:
    try:
        check_text("text", text)
    except InvalidInput as error:
        raise ValueError(str(error)) from None
    return text


def _storable_data(data: Any) -> Any:
    try:
        check_data("data", data)
    except InvalidInput as error:
        raise ValueError(str(error)) from None
    return data


def _written_moment(value: Any) -> Any:
    """Only text: a number could be seconds or milliseconds."""
    if isinstance(value, str) and ("T" in value or "t" in value or " " in value):
        return value
    raise ValueError("a moment is written like 2026-05-01T08:00:00Z")


def _id(pattern: str) -> Any:
    """An id that is written as the pattern says."""

    def parse(value: Any) -> UUID:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError("an id is written like 01234567-89ab-7def-8123-456789abcdef")
        return UUID(value)

    return BeforeValidator(parse), WithJsonSchema({"type": "string", "format": "uuid", "pattern": pattern})


AnyText = Annotated[str, AfterValidator(_storable)]
Data = Annotated[Any, AfterValidator(_storable_data)]
LooseId = Annotated[UUID, *_id(LOOSE_UUID)]
StrictId = Annotated[UUID, *_id(STRICT_UUID)]
Moment = Annotated[AwareDatetime, BeforeValidator(_written_moment)]
Count = Annotated[int, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]
Hue = Annotated[int, Field(strict=True, ge=0, le=360)]
