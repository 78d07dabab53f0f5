"""Whether this process lives, and whether the installation can work."""

from typing import Any

from fastapi import APIRouter, Request, Response

from casework.api.schemas import Out
from casework.service.diagnosis import health
from casework.wiring import Casework

router = APIRouter(tags=["health"])


class Alive(Out):
    """The process answers."""

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
    responses={503: {"model": Ready, "description": "Something is away."}},
    summary="Can the installation work",
)
def readyz(request: Request, response: Response) -> dict[str, Any]:
    """Database, broker, and a ticker and a worker that were seen lately."""
    casework: Casework = request.app.state.casework
    checks = health.readiness(casework.db, casework.settings, casework.publisher.check)
    ready = all(detail == "ok" for detail in checks.values())
    response.status_code = 200 if ready else 503
    return {"status": "ok" if ready else "unavailable", "checks": checks}
