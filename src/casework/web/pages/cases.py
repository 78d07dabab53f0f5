"""Lists of cases: by filter, and as a board."""

import json
from typing import Any

from starlette.responses import Response

from casework.core.lifecycle import CaseStatus
from casework.core.model import LabelRef, NewCase, Priority, Queue
from casework.core.payload import refuse_constant
from casework.core.roles import Right
from casework.errors import Forbidden, InvalidInput
from casework.service import agents, labels, listing, queues
from casework.service import cases as service
from casework.web.filters import CaseQuery, read_query
from casework.web.highlight import Highlight
from casework.web.routing import Pages
from casework.web.view import View

pages = Pages()

ROWS = 50
_ON_A_BOARD = 12
_SUGGESTED = 200


def query_of(view: View) -> CaseQuery | None:
    """The query in the address; of the first queue if it names none, and None if there are no queues. Raises
    InvalidInput."""
    parameters = view.request.query_params
    queue = parameters.get("queue") or next((one.name for one in queues.find(view.reads, view.team)), None)
    given = {name: parameters.getlist(name) for name in ("status", "label", "search")}
    return read_query(queue, given) if queue else None


def check_search(view: View, query: CaseQuery) -> None:
    """Raise Forbidden if the search would find out what is in data that the person may not see."""
    if query.search and not view.sees_payloads:
        raise Forbidden("A search looks into data, which is hidden from keys of role reader.")


@pages.get("/cases", Right.READ)
def case_list(view: View) -> Response:
    """The cases that match the filter in the address, the newest first."""
    query = query_of(view)
    if query is None:
        return view.go("/")
    check_search(view, query)
    part = listing.part(view.reads, view.team, query.queue, query.wanted, limit=ROWS, cursor=view.query.get("cursor"))
    return view.page(
        "cases.html",
        **_around(view, query, part.queue),
        part=part,
        next=view.url("/cases", **query.parameters(), cursor=part.next_cursor) if part.next_cursor else "",
        acts=view.may(Right.OPERATE),
        agents=agents.find(view.reads, view.team),
        priorities=list(Priority),
    )


@pages.get("/cases/board", Right.READ)
def board(view: View) -> Response:
    """The newest cases by status."""
    query = query_of(view)
    if query is None:
        return view.go("/")
    check_search(view, query)
    found = listing.board(view.reads, view.team, query.queue, query.wanted, limit=_ON_A_BOARD)
    return view.page("board.html", **_around(view, query, found.queue), board=found)


def _around(view: View, query: CaseQuery, queue: Queue) -> dict[str, Any]:
    """What both lists show around the cases."""
    counts = next((one.cases for one in view.figures if one.queue.id == queue.id), {})
    return {
        "query": query,
        "highlight": Highlight(query.search),
        "queue": queue,
        "queues": queues.find(view.reads, view.team),
        "labels": labels.names(view.reads, view.team, queue.id, _SUGGESTED),
        "statuses": list(CaseStatus),
        "counts": counts,
        "origin": str(view.request.base_url).rstrip("/"),
    }


@pages.post("/cases", Right.ADD)
def create(view: View) -> Response:
    """Add a case."""
    form = view.form
    queue = queues.get(view.db, view.team, form.get("queue"))
    new = NewCase(
        form.get("title"),
        read_data(form.get("data")),
        read_labels(form.get("labels")),
        read_priority(form.get("priority") or Priority.NONE),
        form.get("key") or None,
    )
    done = view.perform(service.create_and_get(view.db, queue.id, [new]))
    said = "A case with that key was there already: this one." if done.existing else f"Added to {queue.name}."
    return view.go(f"/cases/{done.cases[0].id}", said)


def read_data(text: str) -> Any:
    """Data that a person typed: JSON, or else text. Raises InvalidInput for what begins as JSON and is none."""
    stripped = text.strip()
    if not stripped:
        return ""
    try:
        return json.loads(stripped, parse_constant=refuse_constant)
    except RecursionError:
        raise InvalidInput("The data is nested too deeply.") from None
    except json.JSONDecodeError as error:
        if stripped[0] not in '{["':
            return text
        raise InvalidInput(f"The data is not JSON: {error.msg} in line {error.lineno}.") from None
    except ValueError as error:
        raise InvalidInput(f"The data is not JSON: {error}.") from None


def read_priority(text: str) -> Priority:
    """A priority by its name. Raises InvalidInput."""
    try:
        return Priority(text)
    except ValueError:
        raise InvalidInput(f"The priority is one of {', '.join(Priority)}.") from None


def read_labels(text: str) -> tuple[LabelRef, ...]:
    """Labels, one in each line or separated by commas: `value` or `key=value`. Raises InvalidInput."""
    found = []
    for one in text.replace("\n", ",").split(","):
        if one.strip():
            key, separator, value = one.strip().partition("=")
            found.append(LabelRef(value.strip(), key.strip()) if separator else LabelRef(key))
    return tuple(dict.fromkeys(found))
