"""The FastAPI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi_offline import FastAPIOffline

from casework.api import errors
from casework.api.auth import RateLimit
from casework.api.middleware import RequestMiddleware
from casework.api.routes import agents, bulk, cases, health, labels, pull, queues, requests, runs
from casework.service.listing import Counts
from casework.wiring import Casework

ROUTERS = (cases, bulk, labels, queues, agents, runs, requests, pull)


def create_app(casework: Casework) -> FastAPI:
    """The application over an installation."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        casework.close()

    app = FastAPIOffline(
        docs_url="/docs",
        redoc_url=None,
        title="casework",
        version=version("casework"),
        description="An open case queue for AI agents.",
        lifespan=lifespan,
    )
    app.state.casework = casework
    app.state.counts = Counts()
    app.state.rate_limit = RateLimit(casework.publisher.url, casework.settings.rate_limit_per_minute)
    errors.install(app)
    for routes in ROUTERS:
        app.include_router(routes.router, prefix="/v1", responses=errors.RESPONSES)
    app.include_router(health.router)
    if casework.settings.cors_origins:
        origins = [origin.strip() for origin in casework.settings.cors_origins.split(",")]
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"])
    app.add_middleware(RequestMiddleware)
    return app
