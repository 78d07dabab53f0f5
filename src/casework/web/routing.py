"""From a request to a page: the session, the CSRF token and the right are checked before the page is called."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from casework import events
from casework.core.payload import check_text
from casework.core.roles import Right
from casework.errors import CaseworkError, Forbidden, InvalidInput, Unauthorized
from casework.service import keys, web_sessions
from casework.web import responses
from casework.web.face import Face
from casework.web.view import PART, Form, View, render

Handler = Callable[[View], Response]
Open = Callable[[Face, Request, Form], Response]

MOST_FIELDS = 2000
"""Fields of a form."""

_FORM_EXPIRED = "This form is from another session, or from another site. Go back, load the page again, and repeat it."


@dataclass(frozen=True)
class Page:
    """A page or an act."""

    path: str
    method: str
    right: Right
    handle: Handler


class Pages:
    """The pages of one file: `pages = Pages()`, and `@pages.get("/path/{id}", Right.READ)` above each function, which is given
    a View and returns a response. It runs in a thread."""

    def __init__(self) -> None:
        self.found: list[Page] = []

    def get(self, path: str, right: Right) -> Callable[[Handler], Handler]:
        """A page. It changes nothing."""
        return self._add("GET", path, right)

    def post(self, path: str, right: Right) -> Callable[[Handler], Handler]:
        """An act, sent by a form that has `{{ csrf() }}` in it."""
        return self._add("POST", path, right)

    def _add(self, method: str, path: str, right: Right) -> Callable[[Handler], Handler]:
        def keep(handle: Handler) -> Handler:
            self.found.append(Page(path, method, right, handle))
            return handle

        return keep


def route(face: Face, page: Page) -> Route:
    """The route of a page."""

    async def answer(request: Request) -> Response:
        async def act(stack: AsyncExitStack) -> Response:
            session = await session_of(face, request)
            if session is None:
                return _to_sign_in(request)
            form = await read_form(request) if page.method == "POST" else Form()
            if page.method == "POST" and not hmac.compare_digest(form.get("csrf").encode(), session.csrf.encode()):
                raise Forbidden(_FORM_EXPIRED)
            keys.check_right(session.key, page.right)
            if page.method == "GET":
                await stack.enter_async_context(face.share.slot(session.key.id))
            return await run_in_threadpool(page.handle, View(face, request, session, form))

        return await _guarded(face, request, act)

    return Route(page.path, answer, methods=[page.method], include_in_schema=False)


def open_route(face: Face, path: str, method: str, handle: Open) -> Route:
    """The route of a page for everybody. A form that another site sends is refused."""

    async def answer(request: Request) -> Response:
        async def act(_: AsyncExitStack) -> Response:
            if method == "POST" and request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                raise Forbidden(_FORM_EXPIRED)
            form = await read_form(request) if method == "POST" else Form()
            return await run_in_threadpool(handle, face, request, form)

        return await _guarded(face, request, act)

    return Route(path, answer, methods=[method], include_in_schema=False)


async def session_of(face: Face, request: Request) -> web_sessions.Session | None:
    """The session of a request, which counts as one of it; None if nobody is signed in. Raises HTTPException 429."""
    session = await run_in_threadpool(_find_session, face, request)
    if session is not None:
        request.state.key = session.key.public
        request.state.web_session = session
        await run_in_threadpool(face.limit.hit, session.hash)
    return session


def _find_session(face: Face, request: Request) -> web_sessions.Session | None:
    token = request.cookies.get(face.cookie)
    return web_sessions.find(face.casework.db, token) if token else None


async def read_form(request: Request) -> Form:
    """The fields that a form sent. Raises InvalidInput for anything else than a form."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise InvalidInput("A form is sent as application/x-www-form-urlencoded.")
    body = await request.body()
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise InvalidInput(f"The form cannot be read, or has more than {MOST_FIELDS} fields.") from None
    for name, value in fields:
        check_text("name of a field", name)
        check_text("text of a field", value)
    return Form(fields)


async def _guarded(face: Face, request: Request, act: Callable[[AsyncExitStack], Awaitable[Response]]) -> Response:
    """The response, or a page that says what is wrong."""
    try:
        async with AsyncExitStack() as stack:
            return await act(stack)
    except ClientDisconnect:
        # Whoever sent the form has left before its end; nobody reads this.
        return Response(status_code=400, headers=responses.HEADERS)
    except HTTPException as error:
        return await run_in_threadpool(_sorry, face, request, error.status_code, str(error.detail))
    except Unauthorized as error:
        return await run_in_threadpool(_sorry, face, request, 401, str(error))
    except CaseworkError as error:
        status = face.status_of(error)
        message = str(error)
        if status >= 500:
            # The details name hosts and users, and are for the log.
            events.emit(events.RequestUnavailable(message))
            message = type(error).__doc__ or ""
        return await run_in_threadpool(_sorry, face, request, status, message)


def nothing_here(face: Face, request: Request, status: int, where: str, headers: Mapping[str, str] | None) -> Response:
    """The page for an address that has none, or none that this method asks for."""
    message = (
        f"There is no page at {where}." if status == 404 else f"{where} is where a form is sent; it is not a page."
    )
    response = render(face, request, "error.html", status, message=message)
    response.headers.update(headers or {})
    return response


def _sorry(face: Face, request: Request, status: int, message: str) -> Response:
    session = getattr(request.state, "web_session", None)
    view = View(face, request, session) if session and status < 500 else None
    return render(face, request, "error.html", status, view=view, message=message)


def _to_sign_in(request: Request) -> Response:
    """The page for signing in, which then leads back here. A script is only told."""
    if PART in request.headers:
        return Response(status_code=401, headers=responses.HEADERS)
    path = responses.path_of(request)
    back = "" if path == "/" or request.method != "GET" else f"{path}?{request.url.query}".rstrip("?")
    return RedirectResponse(responses.address(request, "/sign-in", next=back), 303, responses.HEADERS)
