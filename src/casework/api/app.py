from importlib.metadata import version

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi_offline import FastAPIOffline

from casework.api import errors, mcp_route
from casework.api.auth import RateLimit
from casework.api.by_name import NamesInPaths
from casework.api.middleware import RequestMiddleware
from casework.api.read_share import ReadShare
from casework.api.routes import agents, bulk, cases, health, labels, limits, pull, pulled_state, queues, requests, runs
from casework.api.waiting import WaitingClaims
from casework.service.listing import Counts
from casework.store.database import Database
from casework.web.face import Face
from casework.web.routes import routes as web_routes
from casework.wiring import Casework

ROUTERS = (cases, bulk, labels, queues, agents, limits, runs, requests, pull, pulled_state)

READS = 8
"""Reads that are worked on at once."""

READ_WAIT_SECONDS = 5.0
"""How long a read waits for its turn."""

TRIES_PER_MINUTE = 20
"""Tries to sign in on the web page, from one address."""


def create_app(casework: Casework, reads: Database | None = None) -> FastAPI:
    """The application over an installation, which stays open when the application ends.

    `reads` are the connections for what only reads; without them, reads share those of the installation.
    """
    app = FastAPIOffline(
        docs_url="/docs",
        redoc_url=None,
        title="casework",
        version=version("casework"),
        description="An open case queue for AI agents. In paths, `by-name/NAME` may stand for the id of a queue or an agent.",
        lifespan=mcp_route.lifespan,
    )
    settings = casework.settings
    app.state.casework = casework
    app.state.reads = reads or casework.db
    app.state.read_share = ReadShare(READS, READ_WAIT_SECONDS)
    app.state.counts = Counts()
    app.state.rate_limit = RateLimit(
        casework.publisher.url, lambda: casework.publisher.names.prefix, settings.rate_limit_per_minute
    )
    app.state.waiting = WaitingClaims(casework, settings.api_waiting_claims)
    errors.install(app)
    for routes in ROUTERS:
        app.include_router(routes.router, prefix="/v1", responses=errors.RESPONSES)
    app.include_router(health.router)
    mcp_route.add(app, casework)
    app.state.web = _web(casework, app)
    app.router.routes.extend(web_routes(app.state.web))
    if settings.cors_origins:
        origins = [origin.strip() for origin in settings.cors_origins.split(",")]
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"])
    app.add_middleware(NamesInPaths)
    app.add_middleware(RequestMiddleware)
    return app


def _web(casework: Casework, app: FastAPI) -> Face:
    """The web page, which shares what the API has for reads."""

    def limit(per_minute: int, refusal: str) -> RateLimit:
        return RateLimit(casework.publisher.url, lambda: f"{casework.publisher.names.prefix}web:", per_minute, refusal)

    return Face(
        casework,
        app.state.reads,
        app.state.read_share,
        app.state.counts,
        limit(casework.settings.rate_limit_per_minute, "Too many requests from this browser. Wait a minute."),
        limit(TRIES_PER_MINUTE, "Too many tries. Wait a minute."),
        errors.status_of,
    )
