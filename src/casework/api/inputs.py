"""Parts of request bodies: models that refuse unknown fields, and lists with a maximum length."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from casework.core.names import unknown_field
from casework.wording import counted


class Input(BaseModel):
    """The body of a request, or a part of it. A field that does not exist is an error that names the nearest one."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _check_fields(cls, given: Any) -> Any:
        # One error for all of them: pydantic makes one for each.
        if isinstance(given, Mapping) and (
            problem := unknown_field(given, [field.alias or name for name, field in cls.model_fields.items()])
        ):
            raise ValueError(problem)
        return given


def at_most(count: int) -> Any:
    """For a list or a mapping: refuse a longer one before its elements are validated, so that it causes one error and
    not thousands."""

    def check(given: Any) -> Any:
        if isinstance(given, list | dict) and len(given) > count:
            raise ValueError(f"it has {counted(len(given), 'element')}; {count} is the most")
        return given

    return _AtMost(count, check)


class _AtMost:
    def __init__(self, count: int, check: Any) -> None:
        self.count = count
        self._before = BeforeValidator(check)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return self._before.__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler(schema)
        bound = "maxProperties" if found.get("type") == "object" else "maxItems"
        return {**found, bound: self.count}


class _NotNull:
    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler(schema)
        only: JsonSchemaValue
        (only,) = [one for one in found.get("anyOf", [found]) if one.get("type") != "null"]
        return only


NOT_NULL = _NotNull()
"""For an optional field: the schema has no null, because a request leaves the field out."""
