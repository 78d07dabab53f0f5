"""The history of a case in words: what happened, who did it, and what it changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from casework.core.lifecycle import BY_PEOPLE, EventType
from casework.core.model import CaseEvent
from casework.core.requests import HumanRequest
from casework.core.timeline import status_after
from casework.web.formats import plain

_WORDS = {
    EventType.HANDOVER: "claimed",
    EventType.NEEDS_INPUT: "asked",
    EventType.INPUT_RECEIVED: "answered",
    EventType.INPUT_CANCELLED: "request cancelled",
    EventType.WRITE_REFUSED: "late write refused",
    EventType.RESENT: "message sent again",
}

_CONTENT = {"title", "priority", "labels", "data"}
"""What a case says. Other changes are how it moved, which its history tells."""

_GIVEN = {EventType.DELEGATED: "to", EventType.RETRIED: "for"}
"""Their agent is not the one who did it, but the one that got the case."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field, and what it was and is; None is not there."""

    field: str
    old: str | None
    new: str | None
    of_content: bool = False
    """Whether it changed what the case says, and not only where it is."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history."""

    at: datetime
    what: str
    status: str
    """The status that it led to; empty if it moved nothing."""
    who: str | None
    detail: str | None
    changes: list[Change]
    run_id: UUID | None
    request_id: UUID | None


def lines(
    events: Iterable[CaseEvent], asked: Mapping[UUID, HumanRequest], agents: Mapping[UUID, str], *, payloads: bool
) -> list[Line]:
    """The lines of a case's history. `asked` are its requests and `agents` names by id; without `payloads`, what
    changed in data and what was asked and answered is left out."""
    return [_line(event, asked, agents, payloads) for event in events]


def _line(event: CaseEvent, asked: Mapping[UUID, HumanRequest], agents: Mapping[UUID, str], payloads: bool) -> Line:
    type = EventType(event.type)
    request = asked.get(event.human_request_id) if event.human_request_id else None
    who, detail = event.agent_name, event.reason
    if request and type in (EventType.NEEDS_INPUT, EventType.INPUT_CANCELLED):
        detail = request.title
    elif request and type is EventType.INPUT_RECEIVED:
        who, detail = request.responded_by, plain(request.answer)
    elif type in _GIVEN and event.agent_name:
        to = f"{_GIVEN[type]} {event.agent_name}"
        who, detail = None, f"{to}: {event.reason}" if event.reason else to
    who = _person(event) or who or ("a person" if type in BY_PEOPLE else None)
    hidden = not payloads and request is not None
    status = status_after(event)
    return Line(
        event.created_at,
        _WORDS.get(type, type.replace("_", " ")),
        str(status or ""),
        who,
        None if hidden else detail,
        [_change(one, agents) for one in event.changes or () if payloads or not _is_data(one)],
        event.run_id,
        event.human_request_id,
    )


def _person(event: CaseEvent) -> str | None:
    """Whose act it was, and with which key."""
    key = f"key {event.by_key}" if event.by_key else None
    return f"{event.by_person} ({key})" if event.by_person and key else event.by_person or key


def _is_data(change: Mapping[str, Any]) -> bool:
    return str(change["field"]).partition(".")[0] == "data"


def _change(change: Mapping[str, Any], agents: Mapping[UUID, str]) -> Change:
    field = str(change["field"])
    if field == "assigned_agent_id":
        given = change.get("new")
        return Change("agent", None, agents.get(UUID(str(given)), "an agent that was deleted") if given else "anybody")
    old, new = (_side(change, side) for side in ("old", "new"))
    return Change(field.removeprefix("data."), old, new, field.partition(".")[0] in _CONTENT)


def _side(change: Mapping[str, Any], side: str) -> str | None:
    if side not in change:
        return None
    value = change[side]
    return ", ".join(map(str, value)) if change["field"] == "labels" and isinstance(value, list) else plain(value)


def data_changes(found: Iterable[Line]) -> list[Change]:
    """The first old value and the last new one of each field that the history changed."""
    seen: dict[str, Change] = {}
    for line in found:
        for change in line.changes:
            if not change.of_content:
                continue
            first = seen.get(change.field)
            seen[change.field] = Change(change.field, first.old if first else change.old, change.new, of_content=True)
    return [change for change in seen.values() if change.old != change.new]
