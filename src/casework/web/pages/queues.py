"""Queues: how deep, how fast, who works on them, and why one stands still."""

from starlette.responses import Response

from casework.core.lifecycle import CaseStatus
from casework.core.limits import in_words
from casework.core.model import QueueMode
from casework.core.roles import Right
from casework.errors import InvalidInput, NotFound
from casework.service import agents, labels, limits, queues
from casework.service.figures import QueueFigures
from casework.web.routing import Pages
from casework.web.view import View

pages = Pages()

_SAID = {
    QueueMode.ACTIVE: "takes up cases again",
    QueueMode.DRAINING: "finishes what has begun, and begins nothing new",
    QueueMode.PAUSED: "is paused",
}
_LABELS = 100


@pages.get("/queues", Right.READ)
def queue_list(view: View) -> Response:
    """All queues of the team."""
    return view.page("queues.html", queues=view.figures, statuses=list(CaseStatus))


@pages.post("/queues", Right.MANAGE)
def create(view: View) -> Response:
    """Create a queue."""
    made = queues.create(view.db, view.team, view.form.get("name"), view.form.get("description") or None)
    return view.go(f"/queues/{made.id}", f"Created the queue {made.name}.")


@pages.get("/queues/{id}", Right.READ)
def queue(view: View) -> Response:
    """One queue, with its consumers."""
    found = _figures(view)
    known = agents.find(view.reads, view.team)
    connected = {one.agent_id for one in found.consumers}
    return view.page(
        "queue.html",
        one=found,
        statuses=list(CaseStatus),
        others=[agent for agent in known if agent.id not in connected],
        labels=labels.names(view.reads, view.team, found.queue.id, _LABELS),
        limits=[(one, in_words(one.bounds)) for one in limits.find(view.reads, view.team, found.queue.id)],
    )


def _figures(view: View) -> QueueFigures:
    id = view.id("id", "queue")
    found = next((one for one in view.figures if one.queue.id == id), None)
    if found is None:
        raise NotFound("queue", id)
    return found


@pages.post("/queues/{id}/mode", Right.OPERATE)
def set_mode(view: View) -> Response:
    """Pause, drain or resume."""
    try:
        mode = QueueMode(view.form.get("mode"))
    except ValueError:
        raise InvalidInput(f"The mode is one of {', '.join(QueueMode)}.") from None
    found = view.perform(queues.set_mode(view.db, view.team, view.id("id", "queue"), mode))
    back = "/queues" if view.form.get("back") == "list" else f"/queues/{found.id}"
    return view.go(back, f"The queue {found.name} {_SAID[mode]}.")


@pages.post("/queues/{id}/release", Right.OPERATE)
def release(view: View) -> Response:
    """Ask the running runs to stop and give their cases back."""
    id = view.id("id", "queue")
    count = view.perform(queues.release_live_runs(view.db, view.settings, view.team, id))
    return view.go(f"/queues/{id}", f"{count} runs give their cases back." if count else "No run was live.")


@pages.post("/queues/{id}/consumers", Right.MANAGE)
def set_consumer(view: View) -> Response:
    """Connect an agent, or change how it is connected."""
    id, concurrency = view.id("id", "queue"), view.form.get("concurrency").strip()
    if concurrency and not (concurrency.isascii() and concurrency.isdigit() and len(concurrency) < 10):
        raise InvalidInput("The concurrency is a whole number, or empty for no limit.")
    found = view.perform(
        queues.set_consumer(
            view.db,
            view.team,
            id,
            view.form.get("agent"),
            trigger="trigger" in view.form,
            concurrency=int(concurrency) if concurrency else None,
            weight=_weight(view.form.get("weight")),
        )
    )
    return view.go(f"/queues/{id}", f"{found.agent_name} is connected.")


def _weight(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        raise InvalidInput("The weight is a number, such as 1 or 2.5.") from None


@pages.post("/queues/{id}/disconnect", Right.MANAGE)
def disconnect(view: View) -> Response:
    """Disconnect an agent."""
    id = view.id("id", "queue")
    stopped = view.perform(queues.remove_consumer(view.db, view.settings, view.team, id, view.form.get("agent")))
    return view.go(f"/queues/{id}", f"The agent is disconnected; {len(stopped)} runs were interrupted.")


@pages.post("/queues/{id}/edit", Right.MANAGE)
def edit(view: View) -> Response:
    """Change the name and the description."""
    id, form = view.id("id", "queue"), view.form
    queues.update(view.db, view.team, id, name=form.get("name"), description=form.get("description") or None)
    return view.go(f"/queues/{id}", "Saved.")


@pages.post("/queues/{id}/delete", Right.MANAGE)
def delete(view: View) -> Response:
    """Delete a queue with its cases; its name is typed to confirm."""
    id = view.id("id", "queue")
    found = queues.get(view.db, view.team, id)
    if view.form.get("name") != found.name:
        raise InvalidInput(f"To delete the queue, type its name: {found.name}.")
    count, stopped = view.perform(queues.delete(view.db, view.settings, view.team, id))
    said = f"Deleted the queue {found.name} with {count} cases; {len(stopped)} runs were interrupted."
    return view.go("/queues", said)
