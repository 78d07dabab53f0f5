"""From the value of an interrupt to requests to people, and from their answers to what interrupt() returns.

The values that LangChain's own middleware and tools interrupt with are understood, and get the answers that they expect.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casework.agents import Action, Answer, Decision, Request
from casework.core.model import RequestKind
from casework.core.requests import request_of
from casework.integrations.langgraph.questions import Question

Resume = Callable[[Sequence[Answer]], Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What people are asked for one interrupt, and how their answers become its value."""

    requests: Sequence[Request]
    resume: Resume


def asked_for(question: Question) -> Asked:
    """Raises InvalidInput for a value with fields of a request that are not valid."""
    value, schema = question.value, question.schema
    if isinstance(value, Request):
        return Asked([value], lambda answers: answers[0])
    if isinstance(value, Sequence) and value and all(isinstance(one, Request) for one in value):
        return Asked(value, list)
    if isinstance(value, Mapping):
        return _of_mapping(value, schema)
    if isinstance(value, str) and value:
        return _text(value, None, schema)
    return _text(f"The node {question.node} waits for an answer", value, schema)


def _of_mapping(value: Mapping[str, Any], schema: Any) -> Asked:
    if isinstance(value.get("action_requests"), list):
        return _reviews(value)
    if value.get("type") == "tool_approval" and "name" in value:
        return _tool_approval(value, schema)
    if "title" in value:
        return _own_fields(value, schema)
    for name in ("question", "message", "prompt"):
        if isinstance(value.get(name), str) and value[name]:
            rest = {key: one for key, one in value.items() if key not in (name, "key")}
            return _text(value[name], rest or None, schema)
    return _text("The graph waits for an answer", value, schema)


def _text(title: str, about: Any, schema: Any) -> Asked:
    """A question in words; with a schema, a form for the value."""
    description = (
        None if about is None else f"```json\n{json.dumps(about, indent=2, ensure_ascii=False, default=str)}\n```"
    )
    kind = RequestKind.QUESTION if schema is None else RequestKind.FORM
    return Asked([Request(kind=kind, title=title, description=description, schema=schema)], _value)


def _own_fields(value: Mapping[str, Any], schema: Any) -> Asked:
    fields = dict(value)
    if schema is not None:
        fields.setdefault("schema", schema)
    if "kind" not in fields and "type" not in fields:
        fields["kind"] = _kind(fields)
    request = request_of(fields)
    if request.kind is not RequestKind.APPROVAL:
        return Asked([request], _value)
    return Asked([request], _approved if request.action is None else _decided)


def _kind(fields: Mapping[str, Any]) -> RequestKind:
    if fields.get("action") is not None:
        return RequestKind.APPROVAL
    return RequestKind.FORM if fields.get("schema") is not None else RequestKind.QUESTION


def _value(answers: Sequence[Answer]) -> Any:
    return answers[0].value


def _approved(answers: Sequence[Answer]) -> bool:
    return answers[0].approved


def _decided(answers: Sequence[Answer]) -> dict[str, Any]:
    answer = answers[0]
    return {
        "decision": str(answer.decision),
        "arguments": None if answer.arguments is None else dict(answer.arguments),
        "message": answer.message,
        "value": answer.value,
    }


def _reviews(value: Mapping[str, Any]) -> Asked:
    """LangChain's review of tool calls: a request for each, and all decisions in one list."""
    configs = {config["action_name"]: config for config in value.get("review_configs", ())}
    actions = [(one["name"], one.get("args") or {}, one) for one in value["action_requests"]]
    requests = [_review(name, args, one.get("description"), configs.get(name, {})) for name, args, one in actions]

    def resume(answers: Sequence[Answer]) -> dict[str, Any]:
        decisions = [_decision(answer, name) for (name, _, _), answer in zip(actions, answers, strict=True)]
        return {"decisions": decisions}

    return Asked(requests, resume)


def _tool_approval(value: Mapping[str, Any], schema: Any) -> Asked:
    """LangChain's review of one tool call. The schema of its answer says what may be decided, and how edited arguments look."""
    schema = schema or {}
    allowed = list(schema.get("discriminator", {}).get("mapping", ()))
    if not allowed and (only := schema.get("properties", {}).get("type", {}).get("const")):
        allowed = [only]
    models = schema.get("$defs", {})
    arguments = models.get("EditedAction", {}).get("properties", {}).get("args")
    if arguments is not None:
        arguments = {**models.get(arguments.get("$ref", "").rpartition("/")[2], arguments), "$defs": models}
    config = {"allowed_decisions": allowed, "args_schema": arguments}
    request = _review(value["name"], value.get("args") or {}, value.get("description"), config)
    return Asked([request], lambda answers: _decision(answers[0], value["name"]))


def _review(name: str, args: Mapping[str, Any], description: str | None, config: Mapping[str, Any]) -> Request:
    schema = config.get("args_schema")
    allowed = config.get("allowed_decisions") or [Decision.APPROVE, Decision.EDIT, Decision.REJECT]
    return Request(
        kind=RequestKind.APPROVAL,
        title=f"Run the tool {name}?",
        description=description,
        action=Action(name=name, arguments=args, schema=schema),
        decisions=[Decision(one) for one in allowed],
    )


def _decision(answer: Answer, name: str) -> dict[str, Any]:
    """A person's decision in LangChain's words."""
    match answer.decision:
        case Decision.APPROVE:
            return {"type": "approve"}
        case Decision.EDIT:
            return {"type": "edit", "edited_action": {"name": name, "args": dict(answer.arguments or {})}}
        case Decision.RESPOND:
            return {"type": "respond", "message": str(answer.value)}
        case Decision.EXPIRED:
            return {"type": "reject", "message": answer.message or "Nobody answered in time."}
        case _:
            return {"type": "reject", **({"message": answer.message} if answer.message else {})}
