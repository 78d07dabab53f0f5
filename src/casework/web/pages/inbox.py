"""What waits for a person, and the answers."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.responses import Response

from casework.core.requests import Answering, Decision, HumanRequest
from casework.core.roles import Right
from casework.core.unset import UNSET
from casework.errors import AlreadyAnswered, CaseworkError, InvalidInput
from casework.service import inbox, requests
from casework.web import schema_form
from casework.web.routing import Pages
from casework.web.story import story
from casework.web.view import Form, View
from casework.wording import counted

pages = Pages()

MOST_TOGETHER = 200
BESIDE = 30
"""Requests that are listed beside one."""

SHOWN_OF_TITLE = 80
MOST_BUTTONS = 6
LONGEST_BUTTON = 40

DONE = {
    Decision.APPROVE: "Approved",
    Decision.EDIT: "Approved with your changes",
    Decision.REJECT: "Rejected",
    Decision.RESPOND: "Answered",
}


@dataclass(frozen=True)
class Asked:
    """A request with its forms."""

    request: HumanRequest
    arguments: schema_form.Field | None
    """The form of the action's arguments."""
    answer: schema_form.Field | None
    """The form of an answer that has a schema."""

    def name(self, part: str) -> str:
        """The name of a field of this request."""
        return f"{self.request.id}:{part}"

    def may(self, decision: str) -> bool:
        return Decision(decision) in self.request.decisions

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to do with it but to write or choose an answer."""
        return self.answer is None and tuple(self.request.decisions) == (Decision.RESPOND,)

    @property
    def has_buttons(self) -> bool:
        """Whether each option is a button."""
        options = self.request.options
        return 0 < len(options) <= MOST_BUTTONS and all(len(option) <= LONGEST_BUTTON for option in options)


def _asked(request: HumanRequest) -> Asked:
    action, schema = request.action, request.schema
    arguments = schema_form.make(f"{request.id}:arguments", action.schema, dict(action.arguments)) if action else None
    answer = schema_form.make(f"{request.id}:answer", schema, UNSET) if schema else None
    return Asked(request, arguments, answer)


def _given(asked: Asked, form: Form) -> Answering | None:
    """What the form says to a request; None if it says nothing. Raises InvalidInput."""
    if option := form.get(asked.name("option")):
        return Answering(decision=Decision.RESPOND, value=option)
    chosen = form.get(asked.name("decision"))
    if not chosen and asked.is_plain and form.get(asked.name("value")).strip():
        chosen = Decision.RESPOND
    if not chosen:
        return None
    try:
        decision = Decision(chosen)
    except ValueError:
        raise InvalidInput(f"There is no decision {chosen[:50]!r}.") from None
    message = form.get(asked.name("message")).strip() or None
    if decision is Decision.RESPOND:
        value = schema_form.read(asked.answer, form) if asked.answer else form.get(asked.name("value"))
        return Answering(decision=decision, value=value, message=message)
    if decision is Decision.APPROVE and asked.arguments and asked.request.action and asked.may(Decision.EDIT):
        arguments = schema_form.read(asked.arguments, form)
        if _document(arguments) != _document(dict(asked.request.action.arguments)):
            return Answering(decision=Decision.EDIT, arguments=arguments, message=message)
    return Answering(decision=decision, message=message)


def _document(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@pages.get("/inbox", Right.READ)
def show_all(view: View) -> Response:
    """Everything that waits."""
    return view.page("inbox.html", waiting=inbox.waiting(view.reads, view.team, view.names), total=view.waiting)


@pages.get("/inbox/{request_id}", Right.READ)
def show(view: View) -> Response:
    """One request, or its group."""
    return _show(view, inbox.detail(view.reads, view.team, view.id("request_id", "request")))


def _show(view: View, detail: inbox.Detail, problem: str = "", status: int = 200) -> Response:
    waiting = inbox.waiting(view.reads, view.team, view.names)
    following = _next([one.request.id for one in waiting], {one.id for one in detail.group})
    return view.page(
        "request.html",
        status,
        detail=detail,
        asked=[_asked(request) for request in detail.group],
        is_open=any(request.status == "pending" for request in detail.group),
        told={request.id: requests.told(request) for request in detail.group if request.status != "pending"},
        story=story(detail.story) if view.sees_payloads else [],
        beside=_beside(waiting, detail.request.waits_as),
        following=f"/inbox/{following}" if following else "/inbox",
        sent=view.form if problem else None,
        problem=problem,
    )


def _beside(waiting: list[inbox.Waiting], waits_as: UUID) -> list[inbox.Waiting]:
    """What is listed beside a request: those that wait around it."""
    place = next((place for place, one in enumerate(waiting) if one.request.waits_as == waits_as), 0)
    begin = max(0, min(place - BESIDE // 2, len(waiting) - BESIDE))
    return waiting[begin : begin + BESIDE]


@pages.post("/inbox/{request_id}", Right.ANSWER)
def answer(view: View) -> Response:
    """Answer a request or some of its group, and go on to the next that waits."""
    detail = inbox.detail(view.reads, view.team, view.id("request_id", "request"))
    order = [one.request.id for one in inbox.waiting(view.reads, view.team, view.names)]
    done: list[HumanRequest] = []
    try:
        given = [(one, _given(_asked(one), view.form)) for one in detail.group]
        if not any(answering for _, answering in given):
            raise InvalidInput("Choose what to answer.")
        for request, answering in given:
            if answering is not None:
                done.append(_answer(view, request.id, answering))
    except (CaseworkError, ValueError) as error:
        return _again(view, detail.request.id, done, error)
    left = [one for one in detail.group if one.status == "pending" and one.id not in {each.id for each in done}]
    here = detail.request.waits_as
    after = here if left else _next(order, {one.id for one in detail.group})
    return view.go(f"/inbox/{after}" if after else "/inbox", said=_said(done))


def _answer(view: View, request_id: UUID, given: Answering) -> HumanRequest:
    answered = requests.answer(
        view.db, view.team, request_id, given, by=view.session.key.name, person=view.session.person
    )
    return view.perform(answered)


def _again(view: View, request_id: UUID, done: list[HumanRequest], error: Exception) -> Response:
    """The same page with what was wrong, and with what was typed."""
    if not isinstance(error, CaseworkError):
        raise error
    status = view.face.status_of(error)
    if status >= 500:
        raise error
    before = f"{_said(done)} " if done else ""
    return _show(view, inbox.detail(view.reads, view.team, request_id), f"{before}{error}", status)


def _next(order: list[Any], answered: set[Any]) -> Any:
    """The request that follows those that were answered, or else the first; None if nothing waits."""
    places = [place for place, id in enumerate(order) if id in answered]
    after = order[places[-1] + 1 :] + order[: places[-1]] if places else order
    return next((id for id in after if id not in answered), None)


def _said(done: Iterable[HumanRequest]) -> str:
    told = []
    for request in done:
        title = request.title if len(request.title) <= SHOWN_OF_TITLE else f"{request.title[:SHOWN_OF_TITLE]}…"
        if request.status == "pending":
            told.append(f"Counted, {len(request.approved_by)} of {request.approvals_needed} approvals: {title}")
        else:
            told.append(f"{DONE[request.decision or Decision.RESPOND]}: {title}")
    return ". ".join(told[:5])


@pages.post("/inbox", Right.ANSWER)
def answer_together(view: View) -> Response:
    """Give the same answer to all that are selected."""
    chosen = view.form.all("id")[:MOST_TOGETHER]
    if not chosen:
        return view.go("/inbox", said="Nothing was selected.")
    given = _given_together(view.form)
    done, skipped = 0, Counter[str]()
    for text in chosen:
        try:
            _answer(view, UUID(text), given)
            done += 1
        except AlreadyAnswered as error:
            skipped[str(error)] += 1
        except (InvalidInput, CaseworkError, ValueError) as error:
            if isinstance(error, CaseworkError) and view.face.status_of(error) >= 500:
                raise
            skipped[str(error)] += 1
    words = DONE[given.decision or Decision.RESPOND]
    lines = [f"{words}: {counted(done, 'request')}."]
    lines += [f"Skipped {counted(number, 'request')}: {reason}" for reason, number in skipped.most_common(3)]
    return view.go("/inbox", said=" ".join(lines))


def _given_together(form: Form) -> Answering:
    chosen = form.get("decision")
    if chosen not in (Decision.APPROVE, Decision.REJECT, Decision.RESPOND):
        raise InvalidInput("Choose what to answer.")
    message = form.get("message").strip() or None
    if chosen == Decision.RESPOND:
        if message is None:
            raise InvalidInput("Write the answer.")
        return Answering(decision=Decision.RESPOND, value=message)
    return Answering(decision=Decision(chosen), message=message)
