"""What a page is given, and how it answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from casework.core.effects import Committed
from casework.core.model import TeamId
from casework.core.roles import Right, Role
from casework.errors import Forbidden, NotFound
from casework.service import inbox, keys
from casework.service.figures import QueueFigures
from casework.service.web_sessions import Session
from casework.settings import Settings
from casework.store.database import Database
from casework.web import responses
from casework.web.face import Face

T = TypeVar("T")

PART = "casework-part"
"""The header in which the browser names the blocks that it wants, to replace what it has."""


class Form:
    """The fields of a form that was sent. Browsers end lines with CR LF, and so does whoever writes as they do; a text here
    has LF."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = [(name, value.replace("\r\n", "\n").replace("\r", "\n")) for name, value in fields]

    def get(self, name: str, default: str = "") -> str:
        """The first value of a field."""
        return next((value for key, value in self._fields if key == name), default)

    def all(self, name: str) -> list[str]:
        """All values of a field."""
        return [value for key, value in self._fields if key == name]

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self._fields)

    def names(self) -> list[str]:
        """The names of the fields, each once, in their order."""
        return list(dict.fromkeys(key for key, _ in self._fields))


def sees_payloads(face: Face, session: Session) -> bool:
    """Whether data of cases, and what agents say, are shown to whoever is signed in."""
    return not (face.casework.settings.hide_payloads and session.key.role is Role.READER)


@dataclass(eq=False)
class View:
    """One request of somebody who is signed in."""

    face: Face
    request: Request
    session: Session
    form: Form = field(default_factory=Form)

    @property
    def settings(self) -> Settings:
        return self.face.casework.settings

    @property
    def db(self) -> Database:
        """Connections for writes; the history says that it was this key, and this person."""
        return self.face.casework.db.acting_for(key=self.session.key.name, person=self.session.person)

    @property
    def reads(self) -> Database:
        """Connections for reads: their statements have a time limit."""
        return self.face.reads

    @property
    def team(self) -> TeamId:
        """The team of the key. Other teams' objects do not exist."""
        return self.session.key.team_id

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address."""
        return dict(self.request.query_params)

    @property
    def names(self) -> list[str]:
        """The names under which requests are assigned to whoever is signed in: the key's, and the person's."""
        return self.db.actor.names

    def may(self, right: Right | str) -> bool:
        """Whether the key has the right."""
        try:
            keys.check_right(self.session.key, Right(right))
        except Forbidden:
            return False
        return True

    @property
    def answers(self) -> bool:
        """Whether the key may answer what agents ask."""
        return self.may(Right.ANSWER)

    @property
    def sees_payloads(self) -> bool:
        """Whether data of cases and messages of agents are shown."""
        return sees_payloads(self.face, self.session)

    @property
    def figures(self) -> list[QueueFigures]:
        """Each queue of the team. Who opens a page sees the present; pages that follow changes share a look."""
        return self.face.figures.of_team(self.team, fresh=PART not in self.request.headers)

    def id(self, name: str, kind: str) -> UUID:
        """The id of that name in the path. Raises NotFound if it is none."""
        text = self.request.path_params[name]
        try:
            return UUID(text)
        except ValueError:
            raise NotFound(kind, text[:100]) from None

    def perform(self, committed: Committed[T]) -> T:
        """Perform the effects of a committed use case, and return its result."""
        return self.face.casework.perform(committed)

    def url(self, path: str, **query: Any) -> str:
        """The address of a path of casework, with the prefix of the proxy; parameters that are None or empty are left out."""
        return responses.address(self.request, path, **query)

    def here(self, **query: Any) -> str:
        """The address of this page, with these parameters in place of those that it has."""
        return self.url(self.path, **{**self.query, **query})

    @property
    def path(self) -> str:
        """The path of this page, without the prefix."""
        return responses.path_of(self.request)

    @cached_property
    def waiting(self) -> int:
        """How many requests wait for whoever is signed in, up to a hundred: for the navigation."""
        return inbox.count(self.reads, self.team, self.names)

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """The template as a page, or those of its blocks that the browser asked for."""
        return render(self.face, self.request, template, status, view=self, **context)

    def text(self, template: str, **context: Any) -> str:
        """A part of a page, for a response that is sent in parts."""
        return self.face.environment.get_template(template).render(_values(self.face, self.request, self, context))

    def go(self, path: str, said: str = "", **query: Any) -> Response:
        """Show another page next, which says what was done."""
        response = RedirectResponse(self.url(responses.local(path), **query), 303, responses.HEADERS)
        if said:
            responses.put_notice(response, self.request, said)
        return response


def render(
    face: Face, request: Request, template: str, status: int = 200, *, view: View | None = None, **context: Any
) -> Response:
    """The template as a page, for somebody who may not be signed in."""
    found = face.environment.get_template(template)
    values = _values(face, request, view, {"status": status, **context})
    wanted = request.headers.get(PART, "") if status == 200 else ""
    if wanted:
        # Each block comes in a template element, which the browser parses without running anything.
        made = found.new_context(values)
        blocks = {**face.environment.get_template("base.html").blocks, **found.blocks}
        names = [name for name in wanted.split() if name in blocks]
        html = "".join(f'<template id="{name}">{"".join(blocks[name](made))}</template>' for name in names)
        return HTMLResponse(html, status, responses.HEADERS)
    response = HTMLResponse(found.render(values), status, responses.HEADERS)
    if values["notice"]:
        responses.set_cookie(response, request, responses.NOTICE, "", seconds=0)
    return response


def _values(face: Face, request: Request, view: View | None, context: Mapping[str, Any]) -> dict[str, Any]:
    """What a template is given."""
    values = {
        "view": view,
        "prefix": responses.prefix_of(request),
        "theme": responses.theme_of(request),
        "notice": responses.notice_of(request),
        **context,
    }
    values["ui"] = face.environment.get_template("macros.html").make_module(values)
    return values
