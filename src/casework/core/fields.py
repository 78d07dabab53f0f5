"""Records under the names that the API gives their fields; `--json` shows the same ones."""

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from datetime import datetime
from typing import Any

from casework.core.model import Message, RequestKind
from casework.core.requests import Action, Answer, Answered, Decision, HumanRequest, Request, decided, span_of


def of_request(request: HumanRequest) -> dict[str, Any]:
    """A human request: its `type` is question or approval, its `response` what the person answered."""
    shared = {name: getattr(request, name) for name in _OF_REQUEST}
    lists = {name: list(getattr(request, name)) for name in ("options", "decisions", "assignees", "approved_by")}
    own = {"type": request.kind, "response": request.answer, "approvals": request.approvals_needed}
    return {**shared, **lists, **own, "action": _of_action(request.action)}


_OF_REQUEST = (
    "id",
    "case_id",
    "case_title",
    "run_id",
    "status",
    "title",
    "description",
    "created_at",
    "responded_at",
    "responded_by",
    "schema",
    "group_id",
    "key",
    "expires_at",
    "on_expiry",
    "reminded_at",
    "decision",
    "arguments",
    "message",
    "by_key",
    "by_person",
)


def _of_action(action: Action | None) -> dict[str, Any] | None:
    if action is None:
        return None
    return {"name": action.name, "arguments": action.arguments, "schema": action.schema}


def of_new_request(request: Request) -> dict[str, Any]:
    """A request that a run makes, as `request_of` reads it; without what has its default value."""
    values = {one.name: (getattr(request, one.name), one.default) for one in dataclass_fields(Request)}
    values.pop("kind")
    given = {name: value for name, (value, default) in values.items() if value is not default and value != default}
    for name in ("expires", "remind", "postpone_for"):
        if (seconds := span_of(name, given.get(name))) is not None:
            given[name] = f"{seconds:.6f}s"
    lists: dict[str, Any] = {name: list(given[name]) for name in ("options", "decisions", "assignees") if name in given}
    action = {"action": _of_action(request.action)} if request.action else {}
    return {"type": request.kind, **given, **lists, **action}


def of_answered(one: Answered) -> dict[str, Any]:
    """A request of a run with its answer, for an attempt that comes later; `question` and `answer` are second names."""
    answer = one.answer
    shared = {name: getattr(one, name) for name in ("title", "description", "schema", "key", "position")}
    lists = {name: list(getattr(one, name)) for name in ("options", "decisions")}
    given = {name: getattr(answer, name) for name in ("decision", "arguments", "message", "by", "at")}
    values = {"type": one.kind, "response": answer.value, "question": one.title, "answer": answer.value}
    return {**shared, **lists, **given, **values, "action": _of_action(one.action)}


def answered_of(given: Mapping[str, Any]) -> Answered:
    """What `of_answered` wrote. An API of an earlier version writes less."""
    kind, action = RequestKind(given["type"]), given.get("action")
    decision, at = given.get("decision"), given.get("at")
    answer = Answer(
        decided(kind, given["response"]) if decision is None else Decision(decision),
        given["response"],
        given.get("arguments"),
        given.get("message"),
        given.get("by"),
        None if at is None else datetime.fromisoformat(at),
    )
    return Answered(
        kind=kind,
        title=given["title"],
        answer=answer,
        description=given.get("description"),
        options=tuple(given.get("options", ())),
        action=None if action is None else Action(**action),
        schema=given.get("schema"),
        decisions=tuple(map(Decision, given.get("decisions", ()))),
        key=given.get("key"),
        position=given.get("position"),
    )


def of_message(message: Message) -> dict[str, Any]:
    """A message of a run: its type says which of text_content, tool_call and tool_result it has."""
    shared = {"id": str(message.id), "type": message.type, "role": message.role, "timestamp": message.created_at}
    if message.type in ("text", "notice"):
        return {**shared, "text_content": message.content["text"]}
    if message.type == "tool_call":
        return {**shared, "tool_call": {"id": message.content.get("id") or str(message.id), **message.content}}
    return {**shared, "tool_result": message.content}
