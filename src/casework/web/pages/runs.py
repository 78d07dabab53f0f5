"""Runs: who works on what, and what was lost, refused or sent again."""

from uuid import UUID

from starlette.responses import Response

from casework.core.lifecycle import LIVE, CaseStatus
from casework.core.roles import Right
from casework.errors import InvalidInput, NotFound
from casework.service import activity, cases, queues, runs
from casework.service.activity import Shown
from casework.web.routing import Pages
from casework.web.story import story
from casework.web.view import View

pages = Pages()

_ROWS = 50
_MESSAGES = 200
_STEPS = 500

_WORDS = {
    Shown.LIVE: "Live",
    Shown.TROUBLED: "With trouble",
    Shown.FAILED: "Failed",
    Shown.ALL: "All",
}


@pages.get("/runs", Right.READ)
def run_list(view: View) -> Response:
    """Runs, the newest first."""
    try:
        shown = Shown(view.query.get("show", Shown.LIVE))
        before = UUID(view.query["before"]) if view.query.get("before") else None
    except ValueError:
        raise InvalidInput(f"show is one of {', '.join(Shown)}, and before is the id of a run.") from None
    known = queues.find(view.reads, view.team)
    queue = next((one for one in known if one.name == view.query.get("queue")), None)
    if view.query.get("queue") and queue is None:
        raise NotFound("queue", view.query["queue"])
    queue_id = queue.id if queue else None
    found = activity.runs(view.reads, view.team, shown, queue_id=queue_id, before=before, limit=_ROWS + 1)
    figures = [one for one in view.figures if queue is None or one.queue.id == queue.id]
    return view.page(
        "runs.html",
        runs=found[:_ROWS],
        next=view.here(before=found[_ROWS - 1].id) if len(found) > _ROWS else "",
        first=view.here(before=None) if before else "",
        shown=shown,
        kinds=_WORDS,
        queues=known,
        queue=queue,
        counters={
            name: sum(one.counters[name] for one in figures) for name in (figures[0].counters if figures else ())
        },
    )


@pages.get("/runs/{id}", Right.READ)
def run(view: View) -> Response:
    """One run: what it said, called and did."""
    id = view.id("id", "run")
    found = runs.get(view.reads, view.team, id)
    case = cases.get(view.reads, view.team, found.case_id)[0] if found.case_id else None
    before = view.query.get("before", "")
    if before and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise InvalidInput("before is the number of a message.")
    messages, steps = [], []
    if view.sees_payloads:
        messages = runs.last_messages(view.reads, view.team, id, _MESSAGES + 1, before=int(before) if before else None)
        steps = runs.list_steps(view.reads, view.team, id, limit=_STEPS)
    return view.page(
        "run.html",
        run=found,
        case=case,
        queue=queues.get(view.reads, view.team, found.queue_id),
        messages=story(messages[-_MESSAGES:]),
        earlier=view.here(before=messages[1].id) if len(messages) > _MESSAGES else "",
        latest=view.here(before=None) if before else "",
        steps=steps,
        is_live=found.status in LIVE,
        stops=found.status in LIVE and case is not None and case.status in _STOPPABLE and view.may(Right.OPERATE),
    )


_STOPPABLE = (CaseStatus.CLAIMED, CaseStatus.NEEDS_INPUT)


@pages.post("/runs/{id}/stop", Right.OPERATE)
def stop(view: View) -> Response:
    """Stop the run; its case fails with the reason."""
    id = view.id("id", "run")
    reason = view.form.get("reason").strip() or None
    view.perform(runs.stop(view.db, view.settings, view.team, id, reason))
    back = view.form.get("back")
    return view.go(back if back.startswith("/cases/") else f"/runs/{id}", "The run was asked to stop.")
