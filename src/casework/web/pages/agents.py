"""Agents: who there is, where they work, and whether they do."""

from collections import defaultdict

from starlette.responses import Response

from casework.core.model import AgentId
from casework.core.roles import Right
from casework.service import activity, agents
from casework.service.activity import Place
from casework.web.routing import Pages
from casework.web.view import View

pages = Pages()


@pages.get("/agents", Right.READ)
def agent_list(view: View) -> Response:
    """All agents of the team, with the queues that they are connected to."""
    places: dict[AgentId, list[Place]] = defaultdict(list)
    for place in activity.places(view.reads, view.team):
        places[place.agent_id].append(place)
    return view.page("agents.html", agents=agents.find(view.reads, view.team), work=places)
