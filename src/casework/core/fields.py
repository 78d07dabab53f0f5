"""Records under the names that the API gives their fields; `--json` shows the same ones."""

from typing import Any

from casework.core.model import HumanRequest, Message


def of_request(request: HumanRequest) -> dict[str, Any]:
    """A human request: its `type` is question or approval, its `response` what the person answered."""
    names = ("id", "case_id", "run_id", "status", "title", "description", "created_at", "responded_at", "responded_by")
    shared = {name: getattr(request, name) for name in names}
    return {**shared, "type": request.kind, "options": list(request.options), "response": request.answer}


def of_message(message: Message) -> dict[str, Any]:
    """A message of a run: its type says which of text_content, tool_call and tool_result it has."""
    shared = {"id": str(message.id), "type": message.type, "role": message.role, "timestamp": message.created_at}
    if message.type == "text":
        return {**shared, "text_content": message.content["text"]}
    if message.type == "tool_call":
        return {**shared, "tool_call": {"id": message.content.get("id") or str(message.id), **message.content}}
    return {**shared, "tool_result": message.content}
