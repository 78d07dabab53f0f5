"""A case: where it stands and why, its data, its history, its runs, and what may be done to it."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from starlette.responses import Response

from casework.core import timeline
from casework.core.lifecycle import LIFECYCLE, LIVE, Event
from casework.core.model import Case, CaseEvent, CaseId, LabelRef, Message, Priority, RunRecord
from casework.core.requests import HumanRequest
from casework.core.roles import Right
from casework.core.unset import UNSET
from casework.core.usage import total
from casework.errors import Conflict, InvalidInput
from casework.service import agents, cases, queues, requests, runs
from casework.service.bulk import Act
from casework.service.diagnosis.case import explain
from casework.web import charts, history
from casework.web.pages.bulk import read_end
from casework.web.pages.cases import read_data, read_labels, read_priority
from casework.web.routing import Pages
from casework.web.story import story
from casework.web.view import View

pages = Pages()

_RUNS = 50
_MESSAGES = 60
_LINES = 500
_REQUESTS = 100

_ACTS = {
    "retry": Event.RETRY,
    "delegate": Event.DELEGATE,
    "postpone": Event.DEFER,
    "settle": Event.SETTLE,
    "stop": Event.STOP,
}


@pages.get("/cases/{id}", Right.READ)
def case(view: View) -> Response:
    """One case."""
    id = view.id("id", "case")
    found, events = cases.get(view.reads, view.team, id)
    ran = runs.find(view.reads, view.team, case_id=id, limit=_RUNS)
    asked = _asked(view, events)
    names: dict[UUID, str] = {one.id: one.name for one in agents.find(view.reads, view.team)}
    now = datetime.now(UTC)
    stages = timeline.stages(events, found.status, now)
    lines = history.lines(events, asked, names, payloads=view.sees_payloads)
    return view.page(
        "case.html",
        case=found,
        queue=queues.get(view.reads, view.team, found.queue_id),
        why=explain(view.reads, view.settings, view.team, id),
        stages=stages,
        spent=timeline.spent(stages),
        path=charts.path(stages),
        lines=lines[-_LINES:],
        left_out=max(0, len(lines) - _LINES),
        changed=history.data_changes(lines),
        runs=ran,
        usage=total(run.usage for run in ran),
        names=names,
        requests=asked,
        messages=story(_messages(view, ran)),
        live=next((one for one in ran if one.status in LIVE), None),
        allowed={name for name, event in _ACTS.items() if LIFECYCLE.allows(found.status, event)},
        ends=[status for status in LIFECYCLE.targets(Event.SETTLE) if status is not found.status],
        consumers=queues.consumers(view.reads, view.team, found.queue_id),
        acts=view.may(Right.OPERATE),
        priorities=list(Priority),
        data_text=_text(found.data),
        version=_version(found),
        label_text="\n".join(str(LabelRef(label.value, label.key)) for label in found.labels),
    )


def _asked(view: View, events: Iterable[CaseEvent]) -> dict[UUID, HumanRequest]:
    ids = dict.fromkeys(event.human_request_id for event in events if event.human_request_id)
    return {id: requests.get(view.reads, view.team, id) for id in list(ids)[-_REQUESTS:]}


def _messages(view: View, ran: list[RunRecord]) -> list[Message]:
    """The latest messages of the latest run."""
    if not ran or not view.sees_payloads:
        return []
    return runs.last_messages(view.reads, view.team, ran[0].id, _MESSAGES)


def _text(data: Any) -> str:
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, indent=2)


def _version(found: Case) -> str:
    """What tells data apart that somebody began to edit from data that has changed since."""
    document = json.dumps(found.data, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(document.encode(errors="surrogatepass")).hexdigest()[:16]


def _act(view: View, event: Event, said: str, act: Act) -> Response:
    """Act on the case, and say what came of it. Raises Conflict if its status does not allow it."""
    found, _ = cases.get(view.db, view.team, view.id("id", "case"))
    done = view.perform(act(found.queue_id, [found.id]))
    if not done.moved:
        raise Conflict(LIFECYCLE.refusal(next(iter(done.refused), found.status), event))
    stopped = " Its run was interrupted." if done.interrupted else ""
    return view.go(f"/cases/{found.id}", f"{said}{stopped}")


@pages.post("/cases/{id}/retry", Right.OPERATE)
def retry(view: View) -> Response:
    """Set the case back to pending."""
    keep, same = "keep_steps" in view.form, "same_agent" in view.form
    act = partial(cases.retry, view.db, view.settings, keep_steps=keep, same_agent=same)
    return _act(view, Event.RETRY, "It is pending again.", act)


@pages.post("/cases/{id}/delegate", Right.OPERATE)
def delegate(view: View) -> Response:
    """Give the case to one agent."""
    agent = agents.get(view.db, view.team, view.form.get("agent"))
    return _act(
        view,
        Event.DELEGATE,
        f"It waits for {agent.name}.",
        lambda queue, ids: cases.delegate(view.db, view.settings, queue, ids, agent.id),
    )


@pages.post("/cases/{id}/postpone", Right.OPERATE)
def postpone(view: View) -> Response:
    """Set the case aside."""
    until, reason = view.form.get("until_when").strip(), view.form.get("reason").strip() or None
    return _act(
        view,
        Event.DEFER,
        "It is set aside.",
        lambda queue, ids: cases.postpone(view.db, view.settings, queue, ids, until, reason),
    )


@pages.post("/cases/{id}/settle", Right.OPERATE)
def settle(view: View) -> Response:
    """Complete or fail the case by hand."""
    status, reason = read_end(view.form.get("ending")), view.form.get("reason").strip() or None
    return _act(
        view,
        Event.SETTLE,
        f"It is {status}.",
        lambda queue, ids: cases.settle(view.db, view.settings, queue, ids, status, reason),
    )


@pages.post("/cases/{id}/delete", Right.OPERATE)
def delete(view: View) -> Response:
    """Delete the case with its history."""
    found, _ = cases.get(view.db, view.team, view.id("id", "case"))
    queue = queues.get(view.db, view.team, found.queue_id)
    view.perform(cases.delete_one(view.db, view.settings, view.team, found.id))
    return view.go("/cases", f"Deleted “{found.title[:100]}”.", queue=queue.name)


@pages.post("/cases/{id}/edit", Right.OPERATE)
def edit(view: View) -> Response:
    """Change title, priority, labels and data, as far as they differ."""
    id, form = view.id("id", "case"), view.form
    found, _ = cases.get(view.db, view.team, id)
    changes: dict[str, Any] = {}
    if form.get("title") != found.title:
        changes["title"] = form.get("title")
    if (priority := read_priority(form.get("priority"))) is not found.priority:
        changes["priority"] = priority
    wanted, carried = set(read_labels(form.get("labels"))), {LabelRef(one.value, one.key) for one in found.labels}
    if wanted != carried:
        changes["relabel"] = lambda has: (has - (carried - wanted)) | wanted
    data = _new_data(view, found)
    if data is not UNSET:
        changes["data"] = data
    if changes:
        view.perform(cases.update(view.db, view.team, CaseId(id), **changes))
    return view.go(f"/cases/{id}", "Saved." if changes else "Nothing was changed.")


def _new_data(view: View, found: Case) -> Any:
    """The data of the form if it was changed there. Raises Conflict if it has changed since the form was made."""
    if "data" not in view.form or not view.sees_payloads or view.form.get("data") == _text(found.data):
        return UNSET
    if view.form.get("version") != _version(found):
        raise Conflict("The data was changed by somebody else meanwhile. Go back, load the page again, and repeat it.")
    try:
        return read_data(view.form.get("data"))
    except InvalidInput as error:
        raise InvalidInput(f"{error} Nothing was saved.") from None
