"""All routes of the web page."""

from contextlib import suppress
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from casework.core.model import RunId
from casework.errors import InvalidInput, NotFound, Unavailable
from casework.service import runs, topics
from casework.service.web_sessions import Session
from casework.web import responses, routing
from casework.web.face import Face
from casework.web.live import MOST_TOPICS
from casework.web.pages import PAGES, sign_in
from casework.web.view import sees_payloads

WRITES = "writes:"
"""Before a run's id: what its model writes, while it writes it."""


def _writers(face: Face, session: Session, wanted: list[str]) -> frozenset[RunId]:
    """The runs of the team whose texts a page asks for. Raises InvalidInput and Unavailable."""
    if not sees_payloads(face, session):
        return frozenset()
    found = []
    for text in wanted:
        if text.startswith(WRITES):
            try:
                id = UUID(text.removeprefix(WRITES))
            except ValueError:
                raise InvalidInput("writes: is followed by the id of a run.") from None
            with suppress(NotFound):
                found.append(runs.get(face.reads, session.key.team_id, id).id)
    return frozenset(found)


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
            followed = frozenset(
                topics.parse(session.key.team_id, text) for text in wanted if not text.startswith(WRITES)
            )
            writers = await run_in_threadpool(_writers, face, session, wanted)
        except InvalidInput as error:
            return JSONResponse({"error": "invalid_request", "message": str(error)}, 400)
        except Unavailable:
            return Response(status_code=503, headers=responses.HEADERS)
        headers = {**responses.HEADERS, "x-accel-buffering": "no"}
        return StreamingResponse(
            face.live.follow(session, followed, writers), headers=headers, media_type="text/event-stream"
        )

    return [
        Route("/static/{version}/{name:path}", face.assets.serve, methods=["GET"], include_in_schema=False),
        Route("/events", events, methods=["GET"], include_in_schema=False),
        *(routing.open_route(face, path, method, handle) for path, method, handle in sign_in.OPEN),
        *(routing.route(face, page) for pages in PAGES for page in pages.found),
    ]
