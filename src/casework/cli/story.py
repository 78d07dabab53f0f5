"""The story of a case: its events, one line each, and why it is not being worked on now."""

import json
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from casework.cli import services
from casework.cli.console import installation, local_time, say, shorten, table
from casework.cli.request_text import answer_text
from casework.core.lifecycle import BY_PEOPLE, CaseStatus, EventType
from casework.core.model import Case, CaseEvent, CaseId, Message, RunRecord
from casework.core.requests import HumanRequest
from casework.core.steps import Step
from casework.printable import printable

_POLL_SECONDS = 0.5
_ENDED = (CaseStatus.COMPLETED, CaseStatus.FAILED)

_WORDS = {
    EventType.HANDOVER: "claimed",
    EventType.NEEDS_INPUT: "asked",
    EventType.INPUT_RECEIVED: "answered",
    EventType.INPUT_APPROVED: "approved",
    EventType.INPUT_REMINDED: "reminder",
    EventType.INPUT_EXPIRED: "request expired",
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


_DELETED = "an agent that was deleted"


def agents_by_id() -> dict[str, str]:
    """The names of the team's agents."""
    casework = installation()
    return {str(one.id): one.name for one in services.agents.find(casework.db, casework.team_id)}


def head(case: Case, labels: str, why: str) -> str:
    """The title and the status of a case, and the reason for the status."""
    short = shorten([case.id])[case.id]
    key = f"key {case.key}" if case.key else ""
    agent = case.assigned_agent_id
    delegated = f"delegated to {agents_by_id().get(str(agent), _DELETED)}" if agent else ""
    parts = (short, case.status, f"priority {case.priority}", *map(printable, (delegated, labels, key)))
    state = "  ".join(filter(None, parts))
    return f"{printable(case.title)}\n{state}\n{printable(why)}\n"


def data_text(data: Any) -> str:
    """The data as text for a person."""
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, indent=2)


def show_runs(found: list[RunRecord]) -> None:
    short = shorten(run.id for run in found)
    rows = (
        (
            short[run.id],
            run.agent_name,
            run.status,
            (run.outcome or "-").replace("_", " "),
            run.attempt,
            _millisecond(run.started_at),
            _millisecond(run.completed_at),
            run.reason,
        )
        for run in reversed(found)
    )
    table(
        ("run", "agent", "status", "outcome", "attempt", "started", "ended", "reason"),
        rows,
        title="Runs",
        yields=("ended", "started", "outcome", "attempt"),
    )


def show_requests(found: Iterable[HumanRequest]) -> None:
    kept = list(found)
    short = shorten(one.id for one in kept)
    rows = (
        (
            short[one.id],
            one.kind,
            one.status,
            one.title,
            answer_text(one),
            one.responded_by,
            _millisecond(one.responded_at),
        )
        for one in kept
    )
    table(
        ("id", "kind", "status", "asks", "answer", "by", "answered"),
        rows,
        title="Requests",
        yields=("answered", "kind", "status"),
    )


def _millisecond(moment: datetime | None) -> str | None:
    return millisecond(moment) if moment else None


class Teller:
    """Tells the lines of a case's history: what happened, who did it, and what there is to say about it."""

    def __init__(self) -> None:
        self._agents: dict[str, str] | None = None

    def tell(self, event: CaseEvent, asked: Mapping[UUID, HumanRequest]) -> tuple[str, str, str | None, str | None]:
        """When it was, what happened, who did it, and the rest."""
        request = asked.get(event.human_request_id) if event.human_request_id else None
        type = EventType(event.type)
        who, detail = event.agent_name, event.reason
        if type in _ABOUT_REQUESTS and request:
            detail = request.title
        elif type is EventType.INPUT_RECEIVED and request:
            who, detail = request.responded_by, answer_text(request)
        elif type in _GIVEN_BY_PEOPLE and event.agent_name:
            to = f"to {event.agent_name}" if type is EventType.DELEGATED else f"for {event.agent_name} only"
            who, detail = None, _joined(to, event.reason)
        elif type in _CLAIMS and event.run_id:
            detail = f"run {shorten([event.run_id])[event.run_id]}"
        if type in BY_PEOPLE and (event.by_person or event.by_key):
            who = event.by_person or f"key {event.by_key}"
        elif who is None and type in BY_PEOPLE:
            who = "a person"
        told = () if type is EventType.INPUT_RECEIVED else event.changes or ()
        changes = "; ".join(filter(None, (self._change(change, type) for change in told)))
        return millisecond(event.created_at), _WORDS.get(type, type.replace("_", " ")), who, _joined(changes, detail)

    def _change(self, change: Mapping[str, Any], type: EventType) -> str | None:
        field, new = change["field"], change.get("new")
        if field == "status" or (field == "assigned_agent_id" and type in _GIVEN_BY_PEOPLE):
            # The event itself says it.
            return None
        if field == "postponed_to":
            return f"until {local_time(datetime.fromisoformat(new))}" if new else "at once"
        if field == "steps":
            return f"steps {new}"
        if field == "assigned_agent_id":
            return f"to {self._agent(str(new))}"
        if field == "labels":
            gone, added = set(change["old"]) - set(new or ()), set(new or ()) - set(change["old"])
            return ", ".join((*(f"+{one}" for one in sorted(added)), *(f"-{one}" for one in sorted(gone))))
        old, new = (_value(change[side]) if side in change else "nothing" for side in ("old", "new"))
        return f"{field.removeprefix('data.')}: {old} → {new}"

    def _agent(self, id: str) -> str:
        """An agent's name; looked up once for a history."""
        if self._agents is None:
            self._agents = agents_by_id()
        return self._agents.get(id, _DELETED)


_ABOUT_REQUESTS = (
    EventType.NEEDS_INPUT,
    EventType.INPUT_APPROVED,
    EventType.INPUT_REMINDED,
    EventType.INPUT_EXPIRED,
    EventType.INPUT_CANCELLED,
)

_CLAIMS = (EventType.CLAIMED, EventType.HANDOVER)

_GIVEN_BY_PEOPLE = (EventType.DELEGATED, EventType.RETRIED)
"""Their agent is not the one who did it, but the one that got the case."""


def _joined(*parts: str | None) -> str | None:
    return ": ".join(filter(None, parts)) or None


def _value(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def show_history(events: Iterable[CaseEvent], asked: Mapping[UUID, HumanRequest]) -> None:
    teller = Teller()
    rows = (teller.tell(event, asked) for event in events)
    table(("when", "event", "who", "detail"), rows, title="History", yields=("who",))


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
    """What a run said, a call with its arguments, or what came of it."""
    content = message.content
    if message.type in ("text", "notice"):
        return str(content["text"])
    if message.type == "tool_call":
        arguments = content.get("arguments")
        return str(content["name"]) + ("" if arguments is None else f" {json.dumps(arguments, ensure_ascii=False)}")
    if content.get("error") is not None:
        return f"error: {_value(content['error'])}"
    return _value(content.get("result"))


MOST_STEPS = 1000


def show_steps(found: list[RunRecord]) -> None:
    """The steps that the runs have done, the oldest first."""
    casework = installation()
    short = shorten(run.id for run in found)
    rows = (
        (millisecond(one.created_at), short[run.id], one.name, step_result(one))
        for run in reversed(found)
        for one in services.runs.list_steps(casework.db, casework.team_id, run.id, limit=MOST_STEPS)
    )
    table(("done", "run", "step", "result"), rows, title="Steps", empty="There are no steps.")


def step_result(step: Step) -> str:
    """The result of a step as JSON."""
    return json.dumps(step.value, ensure_ascii=False)


def follow(case_id: CaseId) -> None:
    """Print what happens to a case, from its beginning, until it has ended."""
    casework = installation()
    seen: set[int] = set()
    teller = Teller()
    while True:
        case, events = services.cases.get(casework.db, casework.team_id, case_id)
        fresh = [event for event in events if event.id not in seen]
        asked = requests_of(fresh)
        for event in fresh:
            seen.add(event.id)
            say("  ".join(printable(part) for part in teller.tell(event, asked) if part))
        if case.status in _ENDED:
            return
        time.sleep(_POLL_SECONDS)
