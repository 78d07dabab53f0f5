"""The start page: the inbox for those who may answer, the queues for others, and first steps while there is nothing."""

from starlette.responses import Response

from casework.core.roles import Right
from casework.service import queues
from casework.web.routing import Pages
from casework.web.view import View

pages = Pages()


@pages.get("/", Right.READ)
def start(view: View) -> Response:
    """Lead to the page that fits."""
    if not queues.find(view.reads, view.team):
        return view.page("first_steps.html")
    return view.go("/inbox" if view.answers else "/queues")
