"""Keys: made, shown once, and revoked."""

from datetime import UTC, datetime

from starlette.responses import Response

from casework.core.duration import parse_span
from casework.core.roles import RIGHTS, Right, Role
from casework.errors import InvalidInput
from casework.service import agents, keys
from casework.web.routing import Pages
from casework.web.view import View

pages = Pages()


@pages.get("/keys", Right.MANAGE)
def key_list(view: View) -> Response:
    """The team's keys, without their secrets."""
    return _page(view)


def _page(view: View, token: str = "", made: str = "") -> Response:
    known = agents.find(view.reads, view.team)
    return view.page(
        "keys.html",
        keys=keys.find(view.db, view.team),
        now=datetime.now(UTC),
        roles={role: sorted(map(str, RIGHTS[role])) for role in Role},
        agents=known,
        names={agent.id: agent.name for agent in known},
        token=token,
        made=made,
        own=view.session.key.id,
    )


@pages.post("/keys", Right.MANAGE)
def create(view: View) -> Response:
    """Make a key. The answer is the only page that ever shows it: it is not kept, and no address leads back to it."""
    form = view.form
    try:
        role = Role(form.get("role"))
    except ValueError:
        raise InvalidInput(f"The role is one of {', '.join(Role)}.") from None
    span = form.get("expires").strip()
    expires = parse_span(span) if span else None
    names = form.all("agent") if role is Role.AGENT else ()
    key, token = keys.create(view.db, view.team, form.get("name"), role, expires, for_agents=names)
    return _page(view, token, key.name)


@pages.post("/keys/{id}/revoke", Right.MANAGE)
def revoke(view: View) -> Response:
    """Revoke a key, from this moment on."""
    keys.revoke(view.db, view.team, view.id("id", "key"))
    return view.go("/keys", "The key is revoked. Whoever uses it is refused from now on.")
