"""Doctor: is everything there, and if a queue stands still, why."""

from starlette.responses import Response

from casework import checkup
from casework.core.roles import Right
from casework.web.routing import Pages
from casework.web.view import View

pages = Pages()


@pages.get("/doctor", Right.OPERATE)
def doctor(view: View) -> Response:
    """What a look at the installation finds. It names servers and users, so a reader does not see it."""
    casework = view.face.casework
    found = [*checkup.servers(casework), *checkup.keys_and_queues(casework)]
    return view.page("doctor.html", findings=found, wrong=[one for one in found if not one.ok])
