"""Forms at a terminal: each field is asked for, by its schema."""

import json
from collections.abc import Mapping
from typing import Any

import typer

from casework.core.json_schema import check_value
from casework.core.payload import refuse_constant
from casework.core.unset import UNSET
from casework.errors import InvalidInput
from casework.printable import printable

_YES, _NO = ("y", "yes", "true"), ("n", "no", "false")


def ask_value(schema: Mapping[str, Any], current: Mapping[str, Any] | None = None, *, aside: bool = True) -> Any:
    """Ask for a value that the schema allows, again until it is one. `current` are values that stay if nothing is typed; with
    `aside`, standard output is left alone. Raises typer.Abort."""
    while True:
        value = _ask_fields(schema, current or {}, aside) if _properties(schema) else _ask_one(schema, aside)
        try:
            check_value("answer", value, schema)
        except InvalidInput as error:
            typer.echo(printable(str(error)), err=aside)
            current = value if isinstance(value, dict) else current
        else:
            return value


def ask_arguments(arguments: Mapping[str, Any], schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Ask for the arguments of an action, those that it has being kept if nothing is typed. Raises typer.Abort."""
    known = schema or {"type": "object", "properties": {name: {} for name in arguments}}
    value: dict[str, Any] = ask_value(known, arguments)
    return {**arguments, **value}


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _ask_fields(schema: Mapping[str, Any], current: Mapping[str, Any], aside: bool) -> dict[str, Any]:
    value = dict(current)
    needed = schema.get("required", ())
    for name, field in _properties(schema).items():
        field = _resolved(field, schema)
        default = current.get(name, field.get("default", UNSET))
        given = _ask_field(name, field, default, name in needed, aside)
        if given is UNSET:
            value.pop(name, None)
        else:
            value[name] = given
    return value


def _resolved(field: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a field, which may be a reference to one of the definitions."""
    if not isinstance(field, dict):
        return {}
    reference = str(field.get("$ref", ""))
    definitions = schema.get("$defs", {})
    name = reference.removeprefix("#/$defs/")
    return {**definitions[name], **field} if reference.startswith("#/$defs/") and name in definitions else field


def _ask_field(name: str, field: Mapping[str, Any], default: Any, needed: bool, aside: bool) -> Any:
    """What was typed, as a value of the field's type; the default, or UNSET, if nothing was."""
    words = str(field.get("title", name))
    if description := field.get("description"):
        typer.echo(f"  {printable(str(description))}", err=aside)
    notes = [_hint(field), "" if default is UNSET else f"now {_written(default)}"]
    if not needed and default is UNSET:
        notes.append("may be left out")
    shown = "; ".join(filter(None, notes))
    while True:
        text = typer.prompt(
            printable(f"{words} ({shown})" if shown else words), default="", show_default=False, err=aside
        )
        if not text and (default is not UNSET or not needed):
            return default
        try:
            return read_value(text, field)
        except InvalidInput as error:
            typer.echo(printable(str(error)), err=aside)


def _ask_one(schema: Mapping[str, Any], aside: bool) -> Any:
    while True:
        try:
            hint = _hint(schema)
            return read_value(typer.prompt(printable(f"Answer ({hint})" if hint else "Answer"), err=aside), schema)
        except InvalidInput as error:
            typer.echo(printable(str(error)), err=aside)


def _hint(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(_written(one) for one in field["enum"])
    kind = field.get("type")
    return {
        "boolean": "yes or no",
        "array": "JSON",
        "object": "JSON",
        "integer": "a whole number",
        "number": "a number",
    }.get(kind if isinstance(kind, str) else "", "")


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read_value(text: str, field: Mapping[str, Any]) -> Any:
    """What somebody typed, as a value of the field: text as it is, anything else as JSON. Raises InvalidInput."""
    if "enum" in field:
        for one in field["enum"]:
            if _written(one) == text:
                return one
        raise InvalidInput(f"It must be one of {_hint(field)}.")
    kind = field.get("type")
    if kind == "boolean" and text.lower() in (*_YES, *_NO):
        return text.lower() in _YES
    if kind == "string":
        return text
    try:
        return json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        # Without a type it is JSON if it can be, and else text.
        if kind is None or (isinstance(kind, list) and "string" in kind):
            return text
        raise InvalidInput(f"{text!r:.100} is not {_hint(field) or 'JSON'}.") from None
