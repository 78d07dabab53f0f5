"""All routes of the web page."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from casework.errors import InvalidInput, Unavailable
from casework.service import topics
from casework.web import responses, routing
from casework.web.face import Face
from casework.web.live import MOST_TOPICS
from casework.web.pages import PAGES, sign_in


def routes(face: Face) -> list[BaseRoute]:
    """The routes of the page over this face."""

    async def events(request: Request) -> Response:
        try:
            session = await routing.session_of(face, request)
        except (HTTPException, Unavailable):
            return Response(status_code=503, headers=responses.HEADERS)
        if session is None:
            # No content: the browser does not connect again.
            return Response(status_code=204, headers=responses.HEADERS)
        wanted = request.query_params.get("topics", "").split(",")[:MOST_TOPICS]
        try:
            followed = frozenset(topics.parse(session.key.team_id, text) for text in wanted)
        except InvalidInput as error:
            return JSONResponse({"error": "invalid_request", "message": str(error)}, 400)
        headers = {**responses.HEADERS, "x-accel-buffering": "no"}
        return StreamingResponse(face.live.follow(session, followed), headers=headers, media_type="text/event-stream")

    return [
        Route("/static/{version}/{name:path}", face.assets.serve, methods=["GET"], include_in_schema=False),
        Route("/events", events, methods=["GET"], include_in_schema=False),
        *(routing.open_route(face, path, method, handle) for path, method, handle in sign_in.OPEN),
        *(routing.route(face, page) for pages in PAGES for page in pages.found),
    ]
