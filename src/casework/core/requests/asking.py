"""A request as an agent's author writes it, and its checks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from casework.core.duration import LONGEST, parse_span
from casework.core.json_schema import check_schema
from casework.core.model import RequestKind
from casework.core.names import check_fields
from casework.core.payload import check_data, check_text
from casework.core.requests.answers import check_default
from casework.core.requests.content import (
    ALLOWED_DECISIONS,
    DEFAULT_DECISIONS,
    Action,
    Decision,
    OnExpiry,
    content_of,
    one_of,
)
from casework.core.unset import UNSET
from casework.errors import InvalidInput

MAX_TITLE = 100_000
MAX_DESCRIPTION = 100_000
MAX_ACTION_NAME = 500
MAX_KEY = 200
MAX_OPTIONS = 1000
MAX_ASSIGNEES = 50
MAX_NAME = 200
MAX_GROUP = 50
"""Requests in one wait."""

MAX_CONTENT = 1_000_000
"""Characters of an action's arguments as JSON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a run asks of people. Raises InvalidInput if its values are not valid."""

    kind: RequestKind = RequestKind.QUESTION
    title: str
    description: str | None = None
    """Markdown."""
    options: Sequence[str] = ()
    """The only answers to a question, if there are any."""
    action: Action | None = None
    """What is to be approved."""
    schema: Mapping[str, Any] | None = None
    """The JSON Schema (2020-12) of the answer. A form needs one; without one, an answer is text."""
    decisions: Sequence[Decision] = ()
    """What people may decide. By default, approve and reject for an approval, respond for a question or form."""
    assignees: Sequence[str] = ()
    """The names of the keys or people who may answer; nobody else may. Empty: whoever has the right."""
    approvals: int = 1
    """How many must approve. One who rejects decides alone."""
    expires: str | timedelta | None = None
    """How long an answer is waited for: "2h", or a timedelta."""
    on_expiry: OnExpiry = OnExpiry.FAIL
    default: Any = UNSET
    """The answer if it expires with OnExpiry.DEFAULT: True or False for an approval."""
    postpone_for: str | timedelta | None = None
    """How long the case is postponed with OnExpiry.POSTPONE."""
    remind: str | timedelta | None = None
    """When people are reminded, once, if nobody has answered."""
    key: str | None = None
    """Identifies the request within its run, whatever its words. Without a key, its place and its content do."""

    def __post_init__(self) -> None:
        _replace(self, kind=one_of(RequestKind, "kind", self.kind))
        _replace(self, on_expiry=one_of(OnExpiry, "on_expiry", self.on_expiry))
        _replace(self, options=_texts("options", self.options, MAX_OPTIONS))
        _replace(self, assignees=_texts("assignees", self.assignees, MAX_ASSIGNEES, least=1, most=MAX_NAME))
        _check_words(self)
        _check_action(self.action)
        if self.schema is not None:
            check_schema("schema", self.schema)
        elif self.kind is RequestKind.FORM:
            raise InvalidInput("A form needs a schema.")
        _replace(self, decisions=_decisions(self))
        _check_approvals(self)
        _check_expiry(self)

    @property
    def content(self) -> str:
        """What is asked, as text that is equal for equal content."""
        return content_of(self)


@dataclass(frozen=True, slots=True)
class Placed:
    """A request, and its place among the run's requests without keys, counted from 0.

    The place is None if the request has a key, and if the agent does not count: then it is the next place.
    """

    request: Request
    position: int | None = None


def _replace(request: Request, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(request, name, value)


def _texts(what: str, given: Any, many: int, *, least: int = 0, most: int | None = None) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InvalidInput(f"The {what} are a list of texts: write [{given!r:.100}].")
    if len(given) > many:
        raise InvalidInput(f"There are {len(given)} {what}; {many} is the most.")
    for one in given:
        check_text(what.removesuffix("s"), one, least=least, most=most)
    return tuple(given)


def _check_words(request: Request) -> None:
    check_text("question", request.title, least=1, most=MAX_TITLE)
    check_text("description", request.description or "", most=MAX_DESCRIPTION)
    if request.key is not None:
        check_text("key", request.key, least=1, most=MAX_KEY)


def _check_action(action: Action | None) -> None:
    if action is None:
        return
    check_text("action's name", action.name, least=1, most=MAX_ACTION_NAME)
    if not isinstance(action.arguments, Mapping):
        raise InvalidInput(f"The arguments of an action are an object (got {action.arguments!r:.100}).")
    check_data("arguments", action.arguments)
    if len(json.dumps(action.arguments, ensure_ascii=False)) > MAX_CONTENT:
        raise InvalidInput(f"The arguments have more than {MAX_CONTENT} characters as JSON.")
    if action.schema is not None:
        check_schema("schema of the action's arguments", action.schema)


def _decisions(request: Request) -> tuple[Decision, ...]:
    if isinstance(request.decisions, str):
        raise InvalidInput(f"The decisions are a list: write [{request.decisions!r}].")
    given = tuple(dict.fromkeys(one_of(Decision, "decision", one) for one in request.decisions))
    if not given:
        return DEFAULT_DECISIONS[request.kind]
    for one in given:
        if one not in ALLOWED_DECISIONS[request.kind]:
            raise InvalidInput(f"The decision {one} does not belong to a request of kind {request.kind}.")
    if given == (Decision.REJECT,):
        raise InvalidInput("A request that can only be rejected asks nothing.")
    if Decision.EDIT in given and request.action is None:
        raise InvalidInput("The decision edit needs an action, whose arguments are edited.")
    return given


def _check_approvals(request: Request) -> None:
    needed = request.approvals
    if isinstance(needed, bool) or not isinstance(needed, int) or not 1 <= needed <= MAX_ASSIGNEES:
        raise InvalidInput(f"The approvals are a number from 1 to {MAX_ASSIGNEES} (got {needed!r:.100}).")
    if needed == 1:
        return
    if Decision.APPROVE not in request.decisions:
        raise InvalidInput("Several approvals need a request of kind approval that can be approved.")
    if Decision.EDIT in request.decisions:
        raise InvalidInput("Several people cannot approve what each of them may edit: leave out edit, or ask for one.")
    if request.assignees and len(set(request.assignees)) < needed:
        raise InvalidInput(f"{needed} must approve, and only {len(set(request.assignees))} may answer.")


def span_of(what: str, given: str | timedelta | None) -> float | None:
    """A time in seconds; None if none is given. Raises InvalidInput for one that is not above 0, or too long."""
    if given is None:
        return None
    span = parse_span(given) if isinstance(given, str) else given
    if not isinstance(span, timedelta) or not timedelta() < span <= LONGEST:
        raise InvalidInput(f"`{what}` is a time above 0 and up to ten years (got {given!r:.100}).")
    return span.total_seconds()


def _check_expiry(request: Request) -> None:
    expires, remind = span_of("expires", request.expires), span_of("remind", request.remind)
    postpone = span_of("postpone_for", request.postpone_for)
    if expires is not None and remind is not None and remind >= expires:
        raise InvalidInput("`remind` comes before `expires`.")
    if expires is None and request.on_expiry is not OnExpiry.FAIL:
        raise InvalidInput(f"on_expiry={request.on_expiry} needs `expires`.")
    for name, given, wanted in (
        ("postpone_for", postpone is not None, OnExpiry.POSTPONE),
        ("default", request.default is not UNSET, OnExpiry.DEFAULT),
    ):
        if given != (request.on_expiry is wanted):
            raise InvalidInput(f"`{name}` and on_expiry={wanted} belong together.")
    if request.on_expiry is OnExpiry.DEFAULT:
        check_default(request, request.default)


_FIELDS = tuple(name for name in Request.__dataclass_fields__)


def request_of(given: Mapping[str, Any]) -> Request:
    """A request from a mapping with the fields of Request, `type` being another name of `kind`.

    Raises InvalidInput for a name that does not exist, with the nearest one, and for values that are not valid.
    """
    if not isinstance(given, Mapping):
        raise InvalidInput(f"A request is an object with a title and other fields (got {given!r:.100}).")
    check_fields(given, (*_FIELDS, "type"), "field of a request")
    fields = {"kind" if name == "type" else name: value for name, value in given.items()}
    if "title" not in fields:
        raise InvalidInput("The request has no title.")
    if fields.get("action") is not None:
        action = fields["action"]
        if not isinstance(action, Mapping) or "name" not in action:
            raise InvalidInput("The action of a request is an object with a name.")
        check_fields(action, ("name", "arguments", "schema"), "field of an action")
        fields["action"] = Action(**action)
    return Request(**fields)
