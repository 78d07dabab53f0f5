"""Acts on the cases that are selected, or on all that match a filter: first the number and the question, then the act."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from casework.core.duration import in_utc
from casework.core.effects import Committed
from casework.core.lifecycle import LIFECYCLE, CaseStatus, Event
from casework.core.model import Priority, Queue
from casework.core.roles import Right
from casework.errors import CaseworkError, InvalidInput
from casework.service import agents, bulk, cases, queues
from casework.service.bulk import Act, Matching, Progress
from casework.web import responses
from casework.web.filters import CaseQuery, read_query
from casework.web.pages.cases import check_search, read_priority
from casework.web.routing import Pages
from casework.web.view import View
from casework.wording import counted

pages = Pages()

_SHOWN = 8
"""Titles that a confirmation names."""


@dataclass(frozen=True)
class Kind:
    """A kind of act."""

    name: str
    event: Event | None
    """What the lifecycle allows or refuses; None if every status allows it."""
    verb: str
    done: str
    destroys: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("retry", Event.RETRY, "Retry", "retried"),
        Kind("delegate", Event.DELEGATE, "Delegate", "delegated"),
        Kind("postpone", Event.DEFER, "Postpone", "postponed"),
        Kind("settle", Event.SETTLE, "Settle", "settled"),
        Kind("priority", None, "Change the priority of", "changed"),
        Kind("delete", None, "Delete", "deleted", destroys=True),
    )
}


def _kind(view: View) -> Kind:
    kind = KINDS.get(view.form.get("act"))
    if kind is None:
        raise InvalidInput(f"The act is one of {', '.join(KINDS)}.")
    return kind


def _query(view: View) -> CaseQuery:
    found = read_query(view.form.get("queue"), {name: view.form.all(name) for name in ("status", "label", "search")})
    check_search(view, found)
    return found


def _chosen(view: View) -> list[UUID]:
    try:
        return list(dict.fromkeys(UUID(text) for text in view.form.all("case")))
    except ValueError:
        raise InvalidInput("A selected case has no id.") from None


@pages.post("/cases/act", Right.OPERATE)
def confirm(view: View) -> Response:
    """Ask whether the act is meant, with the number of cases and all that it needs to know."""
    kind, query = _kind(view), _query(view)
    queue = queues.get(view.reads, view.team, query.queue)
    if view.form.get("scope") == "all":
        matching, shown = bulk.count(view.db, view.team, queue.id, query.wanted), []
    else:
        ids = _chosen(view)
        shown = cases.get_many(view.reads, ids)
        shown = [case for case in shown if case.queue_id == queue.id]
        matching = None
    if not (shown or (matching and matching.count.number)):
        return view.go("/cases", "Select cases first.", **query.parameters())
    return view.page(
        "bulk_confirm.html",
        kind=kind,
        query=query,
        queue=queue,
        matching=matching,
        chosen=shown,
        named=shown[:_SHOWN],
        what=_what(queue, query, matching, len(shown)),
        command=query.cli(*words) if matching and (words := _words(kind)) else "",
        consumers=queues.consumers(view.reads, view.team, queue.id),
        priorities=list(Priority),
        back=view.url("/cases", **query.parameters()),
    )


def _what(queue: Queue, query: CaseQuery, matching: Matching | None, chosen: int) -> str:
    """Which cases are meant, in words."""
    if matching is None:
        return f"{counted(chosen, 'selected case')} of {queue.name}"
    number = f"{matching.count.number:,}" if matching.count.exact else f"more than {matching.count.number:,}"
    noun = "case" if matching.count.number == 1 else "cases"
    statuses = f"{' or '.join(str(one).replace('_', ' ') for one in query.statuses)} " if query.statuses else ""
    labels = f" labelled {' and '.join(map(str, query.labels))}" if query.labels else ""
    words = f" that match “{query.search}”" if query.search else ""
    every = "all " if matching.count.number > 1 else ""
    return f"{every}{number} {statuses}{noun} of {queue.name}{labels}{words}"


def _words(kind: Kind) -> tuple[str, ...]:
    """The words of the command that does the same; there is none that changes the priority of many."""
    more = {"delegate": ("--to=AGENT",), "postpone": ("--for=2h",), "settle": ("--status=completed",)}
    return () if kind.name == "priority" else (kind.name, *more.get(kind.name, ()))


@pages.post("/cases/act/run", Right.OPERATE)
def run(view: View) -> Response:
    """Act, in batches, and show how far it is. Whoever closes the page stops the act after the batch that is under way."""
    kind, query = _kind(view), _query(view)
    queue = queues.get(view.db, view.team, query.queue)
    act = _act(view, kind)
    if view.form.get("scope") == "all":
        total = _number(view.form.get("total"))
        steps = bulk.on_all(view.db, view.team, queue.id, query.wanted, _moment(view.form.get("until")), act)
    else:
        ids = _chosen(view)
        total, steps = len(ids), bulk.on_chosen(queue.id, ids, act)
    context = {"kind": kind, "back": view.url("/cases", **query.parameters()), "queue": queue}
    return StreamingResponse(
        _page(view, kind, total, steps, context),
        headers={**responses.HEADERS, "x-accel-buffering": "no"},
        media_type="text/html",
    )


_CUT = "<!-- progress -->"


def _page(
    view: View, kind: Kind, total: int, steps: Iterator[Committed[Progress]], context: dict[str, object]
) -> Iterator[str]:
    """The page in parts: what comes before the progress, a line for each batch, and the result. A browser shows each part
    as it comes, without a script."""
    before, after = view.text("bulk_run.html", **context).split(_CUT)
    yield before
    progress, problem = Progress(), ""
    try:
        for committed in steps:
            progress = view.perform(committed)
            yield view.text("bulk_step.html", progress=progress, total=max(total, progress.seen))
    except CaseworkError as error:
        problem = str(error) if view.face.status_of(error) < 500 else "The server was not available."
    yield view.text("bulk_result.html", kind=kind, progress=progress, problem=problem, why=_why(kind, progress))
    yield after


def _why(kind: Kind, progress: Progress) -> list[str]:
    """Why cases were skipped, a line for each reason."""
    found = []
    for status, count in sorted(progress.refused.items()):
        demand = LIFECYCLE.demand(kind.event) if kind.event else ""
        found.append(f"{count:,} {'is' if count == 1 else 'are'} {status}: {demand}.".replace("_", " "))
    if progress.gone:
        found.append(f"{progress.gone:,} {'was' if progress.gone == 1 else 'were'} deleted meanwhile.")
    return found


def _act(view: View, kind: Kind) -> Act:
    form, db, settings = view.form, view.db, view.settings
    reason = form.get("reason").strip() or None
    if kind.name == "retry":
        keep, same = "keep_steps" in form, "same_agent" in form
        return partial(cases.retry, db, settings, keep_steps=keep, same_agent=same)
    if kind.name == "delegate":
        agent = agents.get(db, view.team, form.get("agent"))
        return lambda queue, ids: cases.delegate(db, settings, queue, ids, agent.id)
    if kind.name == "postpone":
        until = form.get("until_when").strip()
        return lambda queue, ids: cases.postpone(db, settings, queue, ids, until, reason)
    if kind.name == "settle":
        status = read_end(form.get("ending"))
        return lambda queue, ids: cases.settle(db, settings, queue, ids, status, reason)
    if kind.name == "priority":
        return partial(bulk.prioritize, db, priority=read_priority(form.get("priority")))
    return partial(cases.delete, db, settings)


def read_end(text: str) -> CaseStatus:
    """How a case ends. Raises InvalidInput."""
    ends = LIFECYCLE.targets(Event.SETTLE)
    if text not in ends:
        raise InvalidInput(f"A case is settled as {' or '.join(ends)}.")
    return CaseStatus(text)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _moment(text: str) -> datetime:
    try:
        return in_utc(datetime.fromisoformat(text))
    except ValueError:
        raise InvalidInput(
            "The form lacks the moment at which the cases were counted. Begin again at the list."
        ) from None
