"""JSON Schemas (2020-12) that agents give, and values that people give. Neither can reach the network, or take long.

A schema is small, and refers only to itself. A validation counts its steps, and ends when there are too many: references can
make a short schema as good as endless. Patterns are searched by an engine whose time is linear in the text. Formats are
not checked, as the standard has it.
"""

import json
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, cast

from casework.core.payload import check_data
from casework.errors import InvalidInput

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from pydantic_core import SchemaValidator

MAX_SIZE = 32_768
"""Characters of a schema as JSON."""

MAX_NESTING = 30
MAX_PARTS = 500
"""Objects and lists in a schema."""

MAX_PATTERNS = 10
MAX_PATTERN = 300
"""Characters of a pattern."""

MAX_STEPS = 50_000
"""Steps of one validation: about a second."""

SHOWN_ERRORS = 5
SHOWN_OF_ERROR = 300

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_REFUSED = {
    "patternProperties": "use properties, additionalProperties or propertyNames",
    "unevaluatedProperties": "use additionalProperties",
    "unevaluatedItems": "use items and prefixItems",
    "$dynamicRef": "use $ref",
    "$recursiveRef": "use $ref",
}
"""Keywords whose cost cannot be counted, with what serves instead."""

_DATA = ("const", "enum", "default", "examples")
"""Keywords whose values are data, and no schemas."""

_NAMED = ("properties", "$defs", "definitions", "dependentSchemas")
"""Keywords whose values are schemas by names of the author's."""


def check_schema(what: str, schema: Any) -> None:
    """Raise InvalidInput for anything that is not a JSON Schema of draft 2020-12, and for one that goes beyond the limits."""
    if not isinstance(schema, Mapping):
        raise InvalidInput(f"The {what} is a JSON Schema, which is an object (got {schema!r:.100}).")
    check_data(what, schema)
    text = json.dumps(schema, ensure_ascii=False)
    if len(text) > MAX_SIZE:
        raise InvalidInput(f"The {what} has {len(text)} characters as JSON; {MAX_SIZE} is the most.")
    if problem := _problem(text):
        raise InvalidInput(f"The {what} cannot be used: {problem}")


@lru_cache(maxsize=256)
def _problem(text: str) -> str | None:
    """What is wrong with a schema. A run that goes on from its top gives the same ones again."""
    schema = json.loads(text)
    try:
        _check_limits(schema)
    except InvalidInput as error:
        return str(error)
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"{_place(error.absolute_path)}: {error.message:.{SHOWN_OF_ERROR}}"
    return _unresolved(schema)


def _check_limits(schema: Any) -> None:
    parts = patterns = 0
    for path, keyword, value in _parts(schema, ()):
        parts += isinstance(value, dict | list)
        if parts > MAX_PARTS:
            raise InvalidInput(f"it has more than {MAX_PARTS} objects and lists.")
        if len(path) > MAX_NESTING:
            raise InvalidInput(f"it is nested more than {MAX_NESTING} levels deep.")
        if keyword in _REFUSED:
            raise InvalidInput(f"{_place(path)}: {keyword} is not supported; {_REFUSED[keyword]}.")
        if keyword in _REFERENCES and not str(value).startswith("#"):
            raise InvalidInput(f"{_place(path)}: {value!r:.100} lies elsewhere; a $ref begins with #.")
        if keyword == "$schema" and str(value).rstrip("#") != "https://json-schema.org/draft/2020-12/schema":
            raise InvalidInput(f"$schema is {value!r:.100}; it must be draft 2020-12.")
        if keyword == "pattern" and isinstance(value, str):
            patterns += 1
            if patterns > MAX_PATTERNS:
                raise InvalidInput(f"it has more than {MAX_PATTERNS} patterns.")
            _check_pattern(path, value)


def _parts(schema: Any, path: tuple[Any, ...], named: bool = False) -> Iterator[tuple[tuple[Any, ...], str, Any]]:
    """Every keyword with its value, and what lies in it. What stands under a name of the author's has no keyword."""
    items = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for name, value in items:
        keyword = name if isinstance(name, str) and not named else ""
        yield (*path, name), keyword, value
        if keyword not in _DATA:
            yield from _parts(value, (*path, name), keyword in _NAMED)


def _check_pattern(path: tuple[Any, ...], pattern: str) -> None:
    if len(pattern) > MAX_PATTERN:
        raise InvalidInput(f"{_place(path)}: the pattern has {len(pattern)} characters; {MAX_PATTERN} is the most.")
    from pydantic_core import SchemaError

    try:
        _searcher(pattern)
    except SchemaError as error:
        reason = " ".join(str(error).splitlines()[-1:]).removeprefix("error: ").strip()
        raise InvalidInput(
            f"{_place(path)}: the pattern {pattern!r} is not one that is searched in linear time ({reason}); "
            "look-around and back-references are not supported."
        ) from None


@lru_cache(maxsize=512)
def _searcher(pattern: str) -> "SchemaValidator":
    from pydantic_core import SchemaValidator, core_schema

    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _unresolved(schema: Any) -> str | None:
    """The first reference to nothing, if there is one."""
    from referencing import Registry
    from referencing.exceptions import NoSuchResource, PointerToNowhere, Unresolvable
    from referencing.jsonschema import DRAFT202012

    resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
    for path, keyword, value in _parts(schema, ()):
        if keyword == "$ref":
            try:
                resolver.lookup(str(value))
            except (Unresolvable, NoSuchResource, PointerToNowhere):
                return f"{_place(path)}: there is nothing at {value!r:.100}."
    return None


def check_value(what: str, value: Any, schema: Mapping[str, Any]) -> None:
    """Raise InvalidInput, with the place of each error, for a value that the schema does not allow."""
    check_data(what, value)
    _left.set(MAX_STEPS)
    from jsonschema.exceptions import best_match
    from referencing.exceptions import Unresolvable

    try:
        errors = list(_validator(dict(schema)).iter_errors(value))
        lines = []
        for error in errors[:SHOWN_ERRORS]:
            nearest = best_match([error]) or error
            lines.append(f"{_place(nearest.absolute_path)}: {nearest.message:.{SHOWN_OF_ERROR}}")
    except (_TooManySteps, RecursionError):
        raise InvalidInput(f"The {what} cannot be checked: its schema takes more than {MAX_STEPS} steps.") from None
    except (Unresolvable, ArithmeticError, ValueError, TypeError) as error:
        raise InvalidInput(f"The {what} cannot be checked by its schema: {error!s:.{SHOWN_OF_ERROR}}") from None
    if lines:
        more = f"; and {len(errors) - SHOWN_ERRORS} more" if len(errors) > SHOWN_ERRORS else ""
        raise InvalidInput(f"The {what} {'do' if what == 'arguments' else 'does'} not fit: {'; '.join(lines)}{more}")


def _place(path: Any) -> str:
    """A path in a value: `$.lines[0].amount`."""
    return "$" + "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)


class _TooManySteps(Exception):
    """A validation takes too long."""


_left: ContextVar[int] = ContextVar("casework_schema_steps")
"""Steps that are left of the validation that is under way."""


def _spend(steps: int) -> None:
    left = _left.get() - steps
    if left < 0:
        raise _TooManySteps
    _left.set(left)


def _size(value: Any) -> int:
    return len(value) if isinstance(value, dict | list) else 0


def _validator(schema: Any) -> "Validator":
    from referencing import Registry

    # With a registry of its own it looks nothing up elsewhere.
    return cast("Validator", _validator_class()(schema, registry=Registry()))


@cache
def _validator_class() -> Any:
    """The library's validator, which counts, and searches and compares in linear time."""
    from jsonschema import Draft202012Validator, ValidationError, validators

    def counted(check: Any) -> Any:
        def checked(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
            _spend(1 + _size(value) + _size(instance))
            yield from check(validator, value, instance, schema) or ()

        return checked

    def pattern(_: Any, value: str, instance: Any, __: Any) -> Iterator[Any]:
        if isinstance(instance, str):
            _spend(1 + len(instance) // 10)
            if not _matches(value, instance):
                yield ValidationError(f"{instance!r:.{SHOWN_OF_ERROR}} does not match {value!r}")

    def unique(_: Any, value: bool, instance: Any, __: Any) -> Iterator[Any]:
        if value and isinstance(instance, list) and len({*map(_canonical, instance)}) < len(instance):
            yield ValidationError("the list has an element twice")

    rules = {**Draft202012Validator.VALIDATORS, "uniqueItems": unique}
    own: dict[str, Any] = {**{name: counted(check) for name, check in rules.items()}, "pattern": pattern}
    extend: Any = validators.extend
    return extend(Draft202012Validator, own)


def _matches(pattern: str, text: str) -> bool:
    from pydantic_core import ValidationError

    try:
        _searcher(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


def _canonical(value: Any) -> str:
    """Text that equal values, and no others, have: 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(value, float) and value.is_integer():
        return json.dumps(int(value))
    if isinstance(value, list):
        return f"[{','.join(map(_canonical, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(name)}:{_canonical(value[name])}' for name in sorted(value))}}}"
    return json.dumps(value)
