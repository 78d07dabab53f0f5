"""Processes: tickers and workers, with their last sign of life."""

from datetime import timedelta

from starlette.responses import Response

from casework.core.roles import Right
from casework.service import activity
from casework.web.routing import Pages
from casework.web.view import View

pages = Pages()

_ROLES = ("ticker", "worker")


@pages.get("/processes", Right.READ)
def process_list(view: View) -> Response:
    """The processes that were seen within the last day."""
    found = activity.processes(view.reads)
    silent = timedelta(seconds=view.settings.lease_seconds)
    alive = {one.role for one in found.found if found.now - one.seen_at <= silent}
    return view.page(
        "processes.html",
        processes=found.found,
        now=found.now,
        silent=silent,
        missing=[role for role in _ROLES if role not in alive],
    )
