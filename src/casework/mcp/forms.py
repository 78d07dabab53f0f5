"""Requests to people as forms of the protocol, and back. The protocol's forms are flat: what does not fit into one field each is
filled in as JSON text."""

import json
from collections.abc import Mapping
from typing import Any

from mcp_types import ElicitRequestFormParams

from casework.core.model import RequestKind
from casework.core.payload import refuse_constant
from casework.core.requests import Answering, Decision, HumanRequest
from casework.core.unset import UNSET
from casework.errors import InvalidInput
from casework.mcp.bounds import as_json, cut

_PRIMITIVES = ("string", "integer", "number", "boolean")
_KEPT = (
    "type",
    "title",
    "description",
    "enum",
    "default",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "format",
)
"""What a field of the protocol may say of itself."""

_MAX_SHOWN = 4_000
_DECISION, _ANSWER, _ARGUMENTS, _MESSAGE = "decision", "answer", "arguments", "message"

Schema = dict[str, Any]


def form(request: HumanRequest) -> ElicitRequestFormParams:
    """The form of a request. `given` reads what is filled in."""
    fields = _fields_of_answer(request)
    required = _required(request, fields)
    choices = [one.value for one in request.decisions if one is not Decision.EXPIRED]
    if _asks_for_decision(request):
        fields = {_DECISION: {"type": "string", "enum": choices}, **fields}
        required = [_DECISION]
    if Decision.EDIT in request.decisions and request.action:
        described = "For the decision edit: the arguments as JSON."
        current = as_json(request.action.arguments)
        fields[_ARGUMENTS] = {"type": "string", "description": described, "default": current}
    if request.kind is RequestKind.APPROVAL:
        fields[_MESSAGE] = {"type": "string", "description": "What the agent should know of the decision."}
    schema = {"type": "object", "properties": fields, "required": required}
    return ElicitRequestFormParams(message=_message(request), requested_schema=schema)


def _message(request: HumanRequest) -> str:
    parts = [cut(request.title, _MAX_SHOWN), cut(request.description, _MAX_SHOWN)]
    if request.action:
        parts.append(f"{request.action.name}: {cut(as_json(request.action.arguments), _MAX_SHOWN)}")
    if request.case_title:
        parts.append(f"(case: {request.case_title})")
    return "\n\n".join(part for part in parts if part)


def _asks_for_decision(request: HumanRequest) -> bool:
    return len(request.decisions) > 1 or Decision.RESPOND not in request.decisions


def _fields_of_answer(request: HumanRequest) -> Schema:
    if Decision.RESPOND not in request.decisions:
        return {}
    own = _own_fields(request)
    if own is not None:
        return own
    schema = request.schema
    if schema is None:
        return {_ANSWER: {"type": "string", **({"enum": list(request.options)} if request.options else {})}}
    if schema.get("type") in _PRIMITIVES:
        return {_ANSWER: _field(schema)}
    described = f"JSON that fits this schema: {cut(as_json(schema), _MAX_SHOWN)}"
    return {_ANSWER: {"type": "string", "description": described}}


def _own_fields(request: HumanRequest) -> Schema | None:
    """The properties of an answer that is a flat object, each of which is a field; None for other answers."""
    schema = request.schema or {}
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict) or not properties:
        return None
    if not all(isinstance(one, Mapping) and one.get("type") in _PRIMITIVES for one in properties.values()):
        return None
    if {_DECISION, _ARGUMENTS, _MESSAGE} & set(properties):
        return None
    return {name: _field(one) for name, one in properties.items()}


def _field(schema: Mapping[str, Any]) -> Schema:
    return {name: schema[name] for name in _KEPT if name in schema}


def _required(request: HumanRequest, fields: Schema) -> list[str]:
    if _own_fields(request) is None:
        return list(fields)
    return [name for name in (request.schema or {}).get("required", ()) if name in fields]


def given(request: HumanRequest, content: Mapping[str, Any]) -> Answering:
    """What was filled in. Raises InvalidInput for text that is not the JSON it should be."""
    decision = content.get(_DECISION) if _asks_for_decision(request) else Decision.RESPOND
    if decision is None:
        raise InvalidInput(f"decision: it should be {' or '.join(request.decisions)}.")
    arguments = _json(_ARGUMENTS, content.get(_ARGUMENTS)) if decision == Decision.EDIT else None
    value = _value(request, content) if decision == Decision.RESPOND else UNSET
    return Answering(decision=decision, value=value, arguments=arguments, message=content.get(_MESSAGE) or None)


def _value(request: HumanRequest, content: Mapping[str, Any]) -> Any:
    own = _own_fields(request)
    if own is not None:
        return {name: content[name] for name in own if content.get(name) is not None}
    value = content.get(_ANSWER, UNSET)
    if request.schema is None or request.schema.get("type") in _PRIMITIVES:
        return value
    return _json(_ANSWER, value)


def _json(field: str, text: Any) -> Any:
    try:
        return json.loads(text, parse_constant=refuse_constant)
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput(f"{field}: it should be JSON, as text.") from None
