"""What waits for a person."""

from starlette.responses import Response

from casework.core.roles import Right
from casework.service import requests
from casework.web.routing import Pages
from casework.web.view import View

pages = Pages()


@pages.get("/inbox", Right.READ)
def inbox(view: View) -> Response:
    """The open requests, the oldest first."""
    return view.page("inbox.html", requests=requests.find(view.reads, view.team))
