"""The story of a case: its events, one line each, and why it is not being worked on now."""

import json
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from casework.cli import services
from casework.cli.console import installation, say, shorten, table
from casework.cli.requests import answer_text
from casework.core.lifecycle import CaseStatus, EventType
from casework.core.model import Case, CaseEvent, CaseId, HumanRequest, Message, RunRecord
from casework.printable import printable

_POLL_SECONDS = 0.5
_ENDED = (CaseStatus.COMPLETED, CaseStatus.FAILED)

_WORDS = {
    EventType.HANDOVER: "claimed",
    EventType.NEEDS_INPUT: "asked",
    EventType.INPUT_RECEIVED: "answered",
    EventType.INPUT_CANCELLED: "request cancelled",
}
"""The event `handover` is the claim by the receiving agent, so it is shown as a claim."""


def millisecond(moment: datetime) -> str:
    """A time in the local zone, to the millisecond."""
    return moment.astimezone().isoformat(" ", "milliseconds")[:23]


def requests_of(events: Iterable[CaseEvent]) -> dict[UUID, HumanRequest]:
    """The requests that a history mentions."""
    casework = installation()
    ids = dict.fromkeys(event.human_request_id for event in events if event.human_request_id)
    return {id: services.requests.get(casework.db, casework.team_id, id) for id in ids}


def head(case: Case, labels: str, why: str) -> str:
    """The title and the status of a case, and the reason for the status."""
    short = shorten([case.id])[case.id]
    state = f"{short}  {case.status}  priority {case.priority}" + (f"  {printable(labels)}" if labels else "")
    return f"{printable(case.title)}\n{state}\n{printable(why)}\n"


def data_text(data: Any) -> str:
    """The data as text for a person."""
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, indent=2)


def show_runs(found: list[RunRecord]) -> None:
    short = shorten(run.id for run in found)
    rows = (
        (short[run.id], run.agent_name, run.status, run.attempt, run.started_at, run.completed_at, run.reason)
        for run in reversed(found)
    )
    table(
        ("run", "agent", "status", "attempt", "started", "ended", "reason"),
        rows,
        title="Runs",
        yields=("ended", "attempt", "started"),
    )


def show_requests(found: Iterable[HumanRequest]) -> None:
    kept = list(found)
    short = shorten(one.id for one in kept)
    rows = ((short[one.id], one.kind, one.status, one.title, answer_text(one), one.responded_at) for one in kept)
    table(
        ("id", "kind", "status", "asks", "answer", "answered"),
        rows,
        title="Requests",
        yields=("answered", "kind", "status"),
    )


def show_history(events: Iterable[CaseEvent], asked: dict[UUID, HumanRequest]) -> None:
    rows = ((millisecond(one.created_at), word(one), one.agent_name, detail(one, asked)) for one in events)
    table(("when", "event", "agent", "reason"), rows, title="History", yields=("agent",))


def word(event: CaseEvent) -> str:
    return _WORDS.get(EventType(event.type), event.type.replace("_", " "))


def detail(event: CaseEvent, asked: dict[UUID, HumanRequest]) -> str | None:
    """The reason of an event, or what was asked or answered."""
    request = asked.get(event.human_request_id) if event.human_request_id else None
    if request and event.type == EventType.NEEDS_INPUT:
        return request.title
    if request and event.type == EventType.INPUT_RECEIVED:
        return answer_text(request)
    return event.reason


def show_messages(found: list[RunRecord]) -> None:
    """What the runs said and called, the oldest first."""
    casework = installation()
    short = shorten(run.id for run in found)
    rows = (
        (millisecond(one.created_at), short[run.id], one.type, message_text(one))
        for run in reversed(found)
        for one in services.runs.list_messages(casework.db, casework.team_id, run.id, limit=1000)
    )
    table(("when", "run", "type", "content"), rows, title="Messages", empty="There are no messages.", yields=("type",))


def message_text(message: Message) -> str:
    """What a run said, or a call as JSON."""
    return str(message.content["text"]) if message.type == "text" else json.dumps(message.content, ensure_ascii=False)


def follow(case_id: CaseId) -> None:
    """Print what happens to a case, from its beginning, until it has ended."""
    casework = installation()
    seen = 0
    while True:
        case, events = services.cases.get(casework.db, casework.team_id, case_id)
        fresh = [event for event in events if event.id > seen]
        asked = requests_of(fresh)
        for event in fresh:
            seen = max(seen, event.id)
            parts = (millisecond(event.created_at), word(event), event.agent_name, detail(event, asked))
            say("  ".join(printable(str(part)) for part in parts if part))
        if case.status in _ENDED:
            return
        time.sleep(_POLL_SECONDS)
