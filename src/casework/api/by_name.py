"""Names in paths: `by-name/NAME` may stand for the id of a queue or an agent, as in `/v1/queues/by-name/my%20queue/cases`."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from casework.api.auth import Caller
from casework.core.names import MAX_NAME
from casework.core.payload import check_text
from casework.errors import NotFound
from casework.service import agents, queues

_COLLECTIONS = ("queues", "agents", "consumers")
_SIGN = "by-name"
_MARK = f"{_SIGN}:"


class NamesInPaths:
    """Turns `by-name/NAME` into one segment, so that the routes for ids match it. It stays quoted: a name may have slashes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _SIGN in scope["path"]:
            raw = scope.get("raw_path") or quote(scope["path"]).encode()
            scope = {**scope, "path": _marked(raw.decode("utf-8", "replace"))}
        await self.app(scope, receive, send)


def _marked(path: str) -> str:
    segments: list[str] = []
    for segment in path.split("/"):
        if segment and segments[-1:] == [_SIGN] and segments[-2:-1] and segments[-2] in _COLLECTIONS:
            segments[-1] = _MARK + segment
        else:
            segments.append(unquote(segment))
    return "/".join(segments)


def as_written(path: str) -> str:
    """The path as its caller wrote it."""
    return path.replace(f"/{_MARK}", f"/{_SIGN}/")


def names_of(request: Request) -> dict[str, str]:
    """The names in the path, by the parameters whose ids they stand for."""
    found = request.path_params.items()
    return {key: unquote(text.removeprefix(_MARK)) for key, text in found if key in _FINDERS and text.startswith(_MARK)}


def resolve(request: Request, names: dict[str, str]) -> None:
    """Put the ids in place of the names. Raises NotFound, and InvalidInput for what cannot be a name."""
    for key, name in names.items():
        check_text("name", name, least=1, most=MAX_NAME)
        request.scope["path_params"][key] = str(_FINDERS[key](request.state.caller, name))


def _queue(caller: Caller, name: str) -> UUID:
    return queues.get(caller.casework.db, caller.team, name).id


def _agent(caller: Caller, name: str) -> UUID:
    found = agents.get(caller.casework.db, caller.team, name)
    if caller.agents is not None and found.id not in caller.agents:
        # An error about the id would say that there is such an agent.
        raise NotFound("agent", name)
    return found.id


_FINDERS: dict[str, Callable[[Caller, str], Any]] = {"queue_id": _queue, "agent_id": _agent}
