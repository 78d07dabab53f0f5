from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from casework.agents.runners import registry
from casework.api.auth import Manager, Reader
from casework.api.inputs import NOT_NULL, Input
from casework.api.route import GuardedRoute
from casework.api.schemas import Out
from casework.api.types import WHOLE, LooseId, Name, needs
from casework.core.model import AgentKind
from casework.core.unset import UNSET
from casework.errors import InvalidInput
from casework.service import agents, queues

router = APIRouter(prefix="/agents", tags=["agents"], route_class=GuardedRoute)

Target = Annotated[
    str,
    Field(
        min_length=1,
        max_length=300,
        description=(
            "Of a python agent module:function, in a module that CASEWORK_AGENT_MODULES allows; of a command its "
            "program and arguments, which CASEWORK_AGENT_COMMANDS allows."
        ),
    ),
]
Attempts = Annotated[int, Field(strict=True, ge=1, le=100), WHOLE]
Timeout = Annotated[
    float,
    Field(
        strict=True,
        gt=0,
        le=agents.MAX_TIMEOUT_SECONDS,
        description="How long one attempt may take; null leaves it to CASEWORK_RUN_TIMEOUT_SECONDS.",
    ),
]


def _has_target(kind: str) -> dict[str, Any]:
    """A JSON Schema: an agent of that kind has a target of its kind."""
    target = {"type": "string", "pattern": registry.RUNNERS[kind].target_pattern}
    return {"if": {"properties": {"kind": {"const": kind}}}, "then": {"properties": {"target": target}}}


class NewAgent(Input):
    """An agent to create: a python agent or a command with its target, or a pull agent."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"kind": {"enum": [*sorted(registry.RUNNERS)]}}, "required": ["kind"]},
            "then": {"required": ["target"], "allOf": [_has_target(kind) for kind in sorted(registry.RUNNERS)]},
            "else": {"properties": {"target": {"type": "null"}, "timeout_seconds": {"type": "null"}}},
        }
    )

    name: Name
    kind: AgentKind = AgentKind.PULL
    target: Target | None = None
    max_attempts: Attempts | None = None
    timeout_seconds: Timeout | None = None


class PatchAgent(Input):
    """What changes; what is not given stays."""

    model_config = ConfigDict(json_schema_extra=needs("name", "target", "max_attempts", "timeout_seconds"))

    name: Annotated[Name | None, NOT_NULL] = None
    target: Target | None = None
    max_attempts: Attempts | None = None
    timeout_seconds: Timeout | None = None


class Agent(Out):
    """Something that can work on a case."""

    id: UUID
    name: str
    kind: AgentKind
    target: str | None
    max_attempts: int | None
    timeout_seconds: float | None
    created_at: datetime


class OneAgent(Out):
    agent: Agent


class Agents(Out):
    """Agents, by name."""

    agents: list[Agent]
    total: int


class DeletedAgent(Out):
    """Which runs were interrupted."""

    success: bool
    interrupted_run_ids: list[UUID]


@router.post("", operation_id="create_agent", status_code=201, response_model=OneAgent, summary="Create an agent")
def create_agent(caller: Manager, body: NewAgent) -> dict[str, Any]:
    """Create an agent: one that asks for work over HTTP, a python function in an allowed module, or an allowed command."""
    casework = caller.casework
    agent = agents.create(
        caller.db,
        casework.settings,
        caller.team,
        body.name,
        kind=body.kind,
        target=body.target,
        max_attempts=body.max_attempts,
        timeout_seconds=body.timeout_seconds,
    )
    return {"agent": agent}


@router.get("", operation_id="list_agents", response_model=Agents, summary="List agents")
def list_agents(caller: Reader) -> dict[str, Any]:
    """All agents of the team."""
    found = agents.find(caller.reads, caller.team)
    return {"agents": found, "total": len(found)}


@router.get("/{agent_id}", operation_id="get_agent", response_model=OneAgent, summary="Get an agent")
def get_agent(caller: Reader, agent_id: LooseId) -> dict[str, Any]:
    return {"agent": agents.get(caller.reads, caller.team, agent_id)}


@router.patch("/{agent_id}", operation_id="update_agent", response_model=OneAgent, summary="Change an agent")
def update_agent(caller: Manager, agent_id: LooseId, body: PatchAgent) -> dict[str, Any]:
    """Change an agent's name, target, number of attempts or time limit; runs that are under way go on as they began."""
    given = body.model_fields_set
    if not given or ("name" in given and body.name is None):
        raise InvalidInput(
            "Give at least one of name, target, max_attempts and timeout_seconds; a name cannot be null."
        )
    changed = agents.update(
        caller.db,
        caller.casework.settings,
        caller.team,
        agent_id,
        name=UNSET if body.name is None else body.name,
        target=body.target if "target" in given else UNSET,
        max_attempts=body.max_attempts if "max_attempts" in given else UNSET,
        timeout_seconds=body.timeout_seconds if "timeout_seconds" in given else UNSET,
    )
    return {"agent": changed}


@router.delete("/{agent_id}", operation_id="delete_agent", response_model=DeletedAgent, summary="Delete an agent")
def delete_agent(caller: Manager, agent_id: LooseId) -> dict[str, Any]:
    """Disconnect an agent from its queues and delete it; its live runs are interrupted."""
    casework = caller.casework
    interrupted = casework.perform(queues.delete_agent(caller.db, casework.settings, caller.team, agent_id))
    return {"success": True, "interrupted_run_ids": interrupted}
