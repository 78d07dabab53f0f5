"""JSON Schemas as short as models and simple clients need them: flat, without references, and without what only Python needs."""

from typing import Any

from pydantic import BaseModel

_LEFT_OUT = ("title", "$defs")


def schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model that does not contain itself."""
    found = model.model_json_schema()
    flat: dict[str, Any] = _flat(found, found.get("$defs", {}))
    flat.pop("description", None)
    return flat


def _flat(node: Any, defs: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_flat(one, defs) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        definition = {
            name: part for name, part in defs[node["$ref"].rpartition("/")[2]].items() if name != "description"
        }
        return _flat({**definition, **{name: part for name, part in node.items() if name != "$ref"}}, defs)
    if "anyOf" in node and {"type": "null"} in node["anyOf"]:
        return _flat(_given(node), defs)
    return {
        name: {key: _typed(_flat(one, defs)) for key, one in part.items()}
        if name == "properties"
        else _flat(part, defs)
        for name, part in node.items()
        if name not in _LEFT_OUT and (name, part) != ("default", None)
    }


_ANY = ["object", "array", "string", "number", "boolean", "null"]


def _typed(node: dict[str, Any]) -> dict[str, Any]:
    """Every property has a type: some clients refuse one that has none, or take it for text."""
    return node if {"type", "anyOf", "enum", "const"} & set(node) else {"type": _ANY, **node}


def _given(node: dict[str, Any]) -> dict[str, Any]:
    """An optional value: it is left out, and not null."""
    rest = {name: part for name, part in node.items() if name != "anyOf"}
    others = [one for one in node["anyOf"] if one != {"type": "null"}]
    return {**others[0], **rest} if len(others) == 1 else {"anyOf": others, **rest}
