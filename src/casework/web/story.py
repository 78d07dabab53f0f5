"""What an agent said and did, for a page: a tool's call and its result are one thing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casework.core.model import Message


@dataclass
class Said:
    """Something that an agent said, or a notice about its run."""

    at: datetime
    kind: str
    text: str


@dataclass
class Called:
    """A tool that an agent called, with what came of it, if that is known."""

    at: datetime
    name: str
    arguments: Any
    result: Any = None
    error: str | None = None
    ended: bool = False
    kind: str = "call"


def story(messages: Iterable[Message]) -> list[Said | Called]:
    """The messages, with results beside their calls."""
    told: list[Said | Called] = []
    calls: dict[str, Called] = {}
    for message in messages:
        content = message.content if isinstance(message.content, dict) else {"text": message.content}
        if message.type == "tool_call":
            call = Called(message.created_at, str(content.get("name")), content.get("arguments"))
            calls |= {name: call for name in (message.key, str(message.id), str(content.get("id"))) if name}
            told.append(call)
        elif message.type == "tool_result":
            found = calls.get(str(content.get("tool_call_id")))
            if found is None:
                told.append(found := Called(message.created_at, "result", None))
            found.result, found.error, found.ended = content.get("result"), content.get("error"), True
        else:
            told.append(Said(message.created_at, message.type, str(content.get("text", ""))))
    return told
