"""A form for a JSON document, made from its JSON Schema and its present value, and the document that such a form sends.

Text, numbers, choices, switches, lists of these and nested objects have fields of their own; everything else is JSON in a text
field. A field that was left alone keeps its value exactly, whatever a form can write of it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from casework.core.unset import UNSET
from casework.errors import InvalidInput
from casework.web.view import Form

MOST_FIELDS = 100
DEEPEST = 4
MOST_ELEMENTS = 30
LONG_TEXT = 60
"""Characters from which a text has several lines."""

SPARE = 1
"""Empty fields at the end of a list, for new elements."""


@dataclass(frozen=True)
class Field:
    """One field, or several under one name."""

    name: str
    """In the form: the path of the value, as a JSON pointer."""
    label: str
    kind: str
    """text, long, number, switch, choice, list, object or json."""
    value: Any = UNSET
    """Of the document; UNSET if it has none."""
    required: bool = False
    nullable: bool = False
    hint: str = ""
    choices: tuple[Any, ...] = ()
    children: tuple["Field", ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What the field shows."""
        return text_of(self.value, self.kind)

    @property
    def choice_texts(self) -> list[tuple[str, bool]]:
        """Each choice, and whether it is the present one."""
        return [(_json(choice), _json(choice) == _json(self.value)) for choice in self.choices]

    @property
    def leaves(self) -> int:
        """How many fields it has in it."""
        return sum(child.leaves for child in self.children) or 1


def text_of(value: Any, kind: str) -> str:
    """A value as the text of a field of that kind."""
    if value is UNSET or (value is None and kind != "json"):
        return ""
    if kind == "json":
        return json.dumps(value, ensure_ascii=False, indent=2)
    return value if isinstance(value, str) else _json(value)


def make(name: str, schema: Mapping[str, Any] | None, value: Any) -> Field:
    """The form of a document. Without a schema, it follows the value."""
    made = _Maker(schema or {}).field(name, "", schema or {}, value, required=True, depth=0)
    if made.leaves > MOST_FIELDS:
        return Field(name, "", "json", value, required=True)
    return made


def read(made: Field, form: Form) -> Any:
    """The document that the form sends. Raises InvalidInput, which names the field."""
    found = _READERS[made.kind](made, form)
    if found is UNSET and made.required and made.kind != "switch":
        raise InvalidInput(f"{made.label or 'The answer'}: it is missing.")
    return found


class _Maker:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def field(self, name: str, label: str, schema: Any, value: Any, *, required: bool, depth: int) -> Field:
        schema, nullable = self._plain(schema)
        kind, choices = _kind(schema, value, depth)
        shared: dict[str, Any] = {
            "label": label,
            "value": value,
            "required": required,
            "nullable": nullable or value is None,
            "hint": str(schema.get("description", ""))[:500],
            "schema": schema,
        }
        if kind == "object":
            children = tuple(self._properties(name, schema, value, depth))
            return Field(name, kind="object" if children else "json", children=children, **shared)
        if kind == "list":
            items = schema.get("items", {})
            elements = [*(value if value is not UNSET else ()), *([UNSET] * SPARE)]
            children = tuple(
                self.field(f"{name}/{place}", f"{label} {place + 1}", items, element, required=False, depth=depth + 1)
                for place, element in enumerate(elements)
            )
            return Field(name, kind="list", children=children, **shared)
        return Field(name, kind=kind, choices=choices, **shared)

    def _properties(self, name: str, schema: Mapping[str, Any], value: Any, depth: int) -> list[Field]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        present = value if isinstance(value, Mapping) else {}
        required = schema.get("required")
        required = required if isinstance(required, list) else []
        return [
            self.field(
                f"{name}/{key.replace('~', '~0').replace('/', '~1')}",
                _label(key, properties.get(key)),
                properties.get(key, {}),
                present.get(key, UNSET),
                required=key in required,
                depth=depth + 1,
            )
            for key in dict.fromkeys([*properties, *present])
        ]

    def _plain(self, schema: Any) -> tuple[Mapping[str, Any], bool]:
        """The schema without references and without null as an alternative; and whether null is allowed."""
        nullable = False
        for _ in range(10):
            if not isinstance(schema, Mapping):
                return {}, nullable
            if isinstance(schema.get("$ref"), str):
                schema = {**self._at(schema["$ref"]), **{key: schema[key] for key in schema if key != "$ref"}}
                continue
            for word in ("anyOf", "oneOf", "allOf"):
                parts = schema.get(word)
                parts = parts if isinstance(parts, list) else []
                left = [part for part in parts if part != {"type": "null"}]
                if len(left) == 1 and isinstance(left[0], Mapping):
                    nullable = nullable or len(left) < len(parts)
                    schema = {**left[0], **{key: schema[key] for key in schema if key != word}}
                    break
            else:
                kinds = schema.get("type")
                if isinstance(kinds, list) and "null" in kinds and len(kinds) == 2:
                    return {**schema, "type": next(kind for kind in kinds if kind != "null")}, True
                return schema, nullable
        return {}, nullable

    def _at(self, reference: str) -> Mapping[str, Any]:
        found: Any = self._root
        for part in reference.removeprefix("#").split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            found = found.get(part) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}


def _label(key: str, schema: Any) -> str:
    title = schema.get("title") if isinstance(schema, Mapping) else None
    return title if isinstance(title, str) and title else key


_SCALARS = {"string": "text", "number": "number", "integer": "number", "boolean": "switch"}


def _kind(schema: Mapping[str, Any], value: Any, depth: int) -> tuple[str, tuple[Any, ...]]:
    """The kind of a field, and its choices."""
    if isinstance(schema.get("enum"), list):
        choices = tuple(schema["enum"])
        known = any(_json(choice) == _json(value) for choice in choices)
        return "choice", choices if known or value is UNSET else (*choices, value)
    if any(word in schema for word in ("anyOf", "oneOf", "const")):
        return "json", ()
    kind = schema.get("type") or _type_of(value)
    if kind == "object" and depth < DEEPEST and (value is UNSET or isinstance(value, Mapping)):
        return "object", ()
    if kind == "array" and _is_plain_list(schema, value):
        return "list", ()
    shown = _SCALARS.get(kind, "json") if isinstance(kind, str) else "json"
    if value is not UNSET and value is not None and _SCALARS.get(_type_of(value)) != shown:
        return "json", ()
    return ("long" if shown == "text" and _is_long(schema, value) else shown), ()


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    for type, name in ((str, "string"), (int, "integer"), (float, "number"), (Mapping, "object"), (list, "array")):
        if isinstance(value, type):
            return name
    return ""


def _is_plain_list(schema: Mapping[str, Any], value: Any) -> bool:
    items = schema.get("items", {})
    elements = value if isinstance(value, list) else []
    kinds = {_SCALARS.get(_type_of(element), "") for element in elements}
    of_schema = items.get("type") if isinstance(items, Mapping) else None
    if isinstance(of_schema, str):
        kinds.add(_SCALARS.get(of_schema, ""))
    is_list = value is UNSET or isinstance(value, list)
    return is_list and len(elements) <= MOST_ELEMENTS and kinds in ({"text"}, {"number"}) and "" not in elements


def _is_long(schema: Mapping[str, Any], value: Any) -> bool:
    if isinstance(value, str) and (len(value) > LONG_TEXT or "\n" in value or "\r" in value):
        return True
    longest = schema.get("maxLength")
    return value is UNSET and "format" not in schema and isinstance(longest, int) and longest > 200


def _json(value: Any) -> str:
    return "" if value is UNSET else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _loads(text: str) -> Any:
    """The document. Raises ValueError, also for NaN and Infinity, which Python takes for JSON."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def _is_left_alone(made: Field, form: Form) -> bool:
    """Whether the text is what the page had. Browsers know one way to end a line."""
    return form.get(made.name) == made.text.replace("\r\n", "\n").replace("\r", "\n")


def _read_text(made: Field, form: Form) -> Any:
    text = form.get(made.name)
    if _is_left_alone(made, form):
        return made.value
    if not text and (made.nullable or made.value is UNSET):
        return None if made.nullable else UNSET
    return text


def _read_number(made: Field, form: Form) -> Any:
    text = form.get(made.name).strip()
    if text == made.text:
        return made.value
    if not text:
        return None if made.nullable else UNSET
    try:
        found = _loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, bool) or not isinstance(found, int | float) or found in (float("inf"), float("-inf")):
        raise InvalidInput(f"{made.label or 'The answer'}: {text[:50]!r} is not a number; write it like 1250 or 12.5.")
    return found


def _read_switch(made: Field, form: Form) -> Any:
    given = form.get(made.name)
    return {"true": True, "false": False}.get(given, None if made.nullable and made.value is None else UNSET)


def _read_choice(made: Field, form: Form) -> Any:
    given = form.get(made.name)
    if not given:
        return UNSET
    for choice in made.choices:
        if _json(choice) == given:
            return choice
    raise InvalidInput(f"{made.label or 'The answer'}: {given[:50]} is none of the choices.")


def _read_list(made: Field, form: Form) -> Any:
    known = {child.name: child for child in made.children}
    kind = made.children[0].kind
    found: list[Any] = []
    for place in range(MOST_ELEMENTS * 10):
        name = f"{made.name}/{place}"
        if name not in form:
            break
        element = known.get(name) or Field(name, f"{made.label} {place + 1}", kind)
        # Who empties an element takes it out. One that is blank stays, unless somebody made it so.
        if form.get(name).strip() or (element.text and _is_left_alone(element, form)):
            found.append(_READERS[kind](element, form))
    return UNSET if not found and made.value is UNSET else found


def _read_object(made: Field, form: Form) -> Any:
    found: dict[str, Any] = {}
    missing = None
    for child in made.children:
        key = child.name.removeprefix(f"{made.name}/").replace("~1", "/").replace("~0", "~")
        value = _READERS[child.kind](child, form)
        if value is UNSET and child.required:
            value = None if child.nullable else UNSET
            missing = missing or (child if value is UNSET else None)
        if value is not UNSET:
            found[key] = value
    if made.value is UNSET and not made.required and not any(value is not None for value in found.values()):
        return UNSET
    if missing is not None:
        raise InvalidInput(f"{missing.label}: it is missing.")
    return found


def _read_json(made: Field, form: Form) -> Any:
    text = form.get(made.name).strip()
    if text == made.text.strip():
        return made.value
    if not text:
        return UNSET
    try:
        return _loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{made.label or 'The document'} is not JSON: {error}") from None


_READERS = {
    "text": _read_text,
    "long": _read_text,
    "number": _read_number,
    "switch": _read_switch,
    "choice": _read_choice,
    "list": _read_list,
    "object": _read_object,
    "json": _read_json,
}
