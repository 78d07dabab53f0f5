"""Health: whether this process answers, and whether the installation is ready."""

from typing import Any

from fastapi import APIRouter, Request, Response

from casework import events
from casework.api.errors import unavailable
from casework.api.route import GuardedRoute
from casework.api.schemas import Out
from casework.service.diagnosis import health
from casework.wiring import Casework

router = APIRouter(tags=["health"], route_class=GuardedRoute)


class Alive(Out):
    status: str


class Ready(Out):
    """Each part, and what is wrong with it."""

    status: str
    checks: dict[str, str]


@router.get("/healthz", operation_id="healthz", response_model=Alive, summary="Is the process alive")
def healthz() -> dict[str, Any]:
    """This process answers."""
    return {"status": "ok"}


@router.get(
    "/readyz",
    operation_id="readyz",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "A part of the installation is not available."}},
    summary="Can the installation work",
)
def readyz(request: Request, response: Response) -> dict[str, Any]:
    """Database, broker, and a ticker and a worker that were seen lately."""
    casework: Casework = request.app.state.casework
    found = health.readiness(casework.db, casework.settings, casework.publisher.check)
    trouble = {part: detail for part, detail in found.items() if detail != "ok"}
    if not trouble:
        return {"status": "ok", "checks": found}
    events.emit(events.NotReady("; ".join(f"{part}: {detail}" for part, detail in trouble.items())))
    response.status_code = 503
    return {"status": "unavailable", "checks": {part: _told(part, detail) for part, detail in found.items()}}


def _told(part: str, detail: str) -> str:
    """The state of a part without details: these name hosts, users and files, and are only in the log."""
    if detail in ("ok", "unknown"):
        return detail
    return unavailable(_FIXED.get(part, f"no {part} was seen lately."))


_FIXED = {"database": "The database is not available.", "broker": "The broker is not available."}
