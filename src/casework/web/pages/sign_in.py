"""Signing in and out, and the theme."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from casework.core.roles import RIGHTS, Right
from casework.errors import InvalidInput, Unauthorized
from casework.service import keys, web_sessions
from casework.service.web_sessions import LASTS
from casework.web import responses
from casework.web.face import Face
from casework.web.routing import Open, Pages
from casework.web.view import Form, View, render

pages = Pages()

_REFUSED = "This key is not valid: it may be mistyped, expired or revoked."
_NOT_A_PERSONS = "This key is for an agent. Sign in with a key of another role."
_USED = "This link was used already, or is too old. Make another with `casework keys link`, or sign in with a key."


def show(face: Face, request: Request, _: Form) -> Response:
    """The form for signing in."""
    next = request.query_params.get("next", "/")
    return render(face, request, "sign_in.html", next=next, problem="", person="")


def sign_in(face: Face, request: Request, form: Form) -> Response:
    """Begin a session with a key."""
    address = request.client.host if request.client else "unknown"
    face.tries.hit(address)
    next, person = form.get("next", "/"), form.get("person")
    try:
        found = keys.authenticate(face.casework.db, form.get("key").strip(), address)
        if Right.READ not in RIGHTS[found.role]:
            raise InvalidInput(_NOT_A_PERSONS)
        token = web_sessions.sign_in(face.casework.db, form.get("key"), person, address)
    except (Unauthorized, InvalidInput) as error:
        problem = _REFUSED if isinstance(error, Unauthorized) else str(error)
        return render(face, request, "sign_in.html", 401, next=next, problem=problem, person=person)
    return _signed_in(face, request, token, next)


def by_link(face: Face, request: Request, _: Form) -> Response:
    """Begin a session with a link. A browser that only looks ahead does not use it up."""
    if request.method == "HEAD" or "prefetch" in request.headers.get("sec-purpose", ""):
        return Response(status_code=503, headers=responses.HEADERS)
    face.tries.hit(request.client.host if request.client else "unknown")
    try:
        token = web_sessions.use_link(face.casework.db, request.path_params["token"])
    except Unauthorized:
        return render(face, request, "sign_in.html", 401, next="/", problem=_USED, person="")
    return _signed_in(face, request, token, "/")


def _signed_in(face: Face, request: Request, token: str, next: str) -> Response:
    response = RedirectResponse(responses.address(request, responses.local(next)), 303, responses.HEADERS)
    responses.set_cookie(response, request, face.cookie, token, seconds=int(LASTS.total_seconds()))
    return response


def set_theme(_: Face, request: Request, form: Form) -> Response:
    """Choose light, dark, or the system's theme, for this browser."""
    back = responses.local(form.get("back", "/"))
    response = RedirectResponse(responses.address(request, back), 303, responses.HEADERS)
    responses.put_theme(response, request, form.get("theme"))
    return response


OPEN: tuple[tuple[str, str, Open], ...] = (
    ("/sign-in", "GET", show),
    ("/sign-in", "POST", sign_in),
    ("/sign-in/{token}", "GET", by_link),
    ("/theme", "POST", set_theme),
)
"""What needs no session."""


@pages.post("/sign-out", Right.READ)
def sign_out(view: View) -> Response:
    """End the session, here and on the server."""
    web_sessions.sign_out(view.db, view.session.hash)
    response = view.go("/sign-in")
    responses.set_cookie(response, view.request, view.face.cookie, "", seconds=0)
    return response
