"""Types of request values: bounds that the documentation shows, and text that PostgreSQL can store."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from casework.core.duration import MAX_TEXT, in_utc
from casework.core.names import MAX_NAME, check_name
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


_checked: ContextVar[bool] = ContextVar("casework_body_checked", default=False)


@contextmanager
def checked_data() -> Iterator[None]:
    """Within this block, data counts as checked: it was checked in a thread, because a megabyte would block the event
    loop."""
    token = _checked.set(True)
    try:
        yield
    finally:
        _checked.reset(token)


def _storable_data(data: Any) -> Any:
    if _checked.get():
        return data
    try:
        check_data("data", data)
    except InvalidInput as error:
        raise ValueError(str(error)) from None
    return data


def _written_moment(value: Any) -> Any:
    """Only text: a number could be seconds or milliseconds."""
    if isinstance(value, str) and len(value) <= MAX_TEXT and ("T" in value or "t" in value or " " in value):
        return value
    raise ValueError("a moment is written like 2026-05-01T08:00:00Z")


def _in_utc(moment: datetime) -> datetime:
    try:
        return in_utc(moment)
    except InvalidInput as error:
        raise ValueError(str(error)) from None


def _name(text: str) -> str:
    try:
        check_name("name", text)
    except InvalidInput as error:
        raise ValueError(str(error)) from None
    return text


def _id(pattern: str) -> Any:
    """An id that is written as the pattern says."""

    def parse(value: Any) -> UUID:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError("an id is written like 01234567-89ab-7def-8123-456789abcdef")
        return UUID(value)

    return BeforeValidator(parse), WithJsonSchema({"type": "string", "format": "uuid", "pattern": pattern})


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 5.0 is the integer 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def needs(*names: str) -> dict[str, Any]:
    """For a model's schema: at least one of these fields is given."""
    return {"anyOf": [{"required": [name]} for name in names]}


def needs_one(*names: str) -> dict[str, Any]:
    """For a model's schema: exactly one of these fields is given."""
    return {"oneOf": [{"required": [name]} for name in names]}


def one_of(name: str, value: Any, other_name: str, other: Any) -> Any:
    """The one of two alternative parameters that is given, or None. Raises InvalidInput if both are."""
    if value is not None and other is not None:
        raise InvalidInput(f"Give {name} or {other_name}, not both.")
    return other if value is None else value


def listed(values: Iterable[StrEnum]) -> str:
    """For a parameter's schema: one or more of these, with commas between them, or nothing."""
    one = f"({'|'.join(values)})"
    return f"^({one}(,{one})*)?$"


class _Storable:
    """Text that PostgreSQL can store. Checked after the length limits, so that these report that a value is not
    text."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_storable, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": r"^[^\u0000]*$"}


STORABLE = _Storable()
WHOLE = BeforeValidator(_whole)
AnyText = Annotated[str, STORABLE]
Data = Annotated[Any, AfterValidator(_storable_data)]
LooseId = Annotated[UUID, *_id(LOOSE_UUID)]
StrictId = Annotated[UUID, *_id(STRICT_UUID)]
Moment = Annotated[AwareDatetime, BeforeValidator(_written_moment), AfterValidator(_in_utc)]
When = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), STORABLE]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), STORABLE, AfterValidator(_name)]
NameOrId = Annotated[
    Annotated[str, Field(min_length=1, max_length=MAX_NAME), STORABLE] | None,
    Field(description="A name, or an id."),
]
Count = Annotated[int, Field(strict=True), WHOLE]
Flag = Annotated[bool, Field(strict=True)]
Hue = Annotated[int, Field(strict=True, ge=0, le=360), WHOLE]
