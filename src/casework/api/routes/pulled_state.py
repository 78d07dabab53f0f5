"""What the run of a pull agent keeps for itself, what its models have used, and what it streams."""

from base64 import b64decode, b64encode
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from casework.api.auth import Worker
from casework.api.middleware import MAX_BODY_BYTES
from casework.api.route import GuardedRoute
from casework.api.routes.pull import Attempt, Written, backend_of
from casework.api.schemas import Out
from casework.api.types import STORABLE, WHOLE, LooseId
from casework.core.state import MAX_NAME
from casework.core.usage import MAX_COST, MAX_COUNT, MAX_KEY, MAX_MODEL, Usage

router = APIRouter(prefix="/runs", tags=["pull agents"], route_class=GuardedRoute)

MAX_DELTA = 65_536
BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), STORABLE]
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_COUNT), WHOLE]


class State(Attempt):
    """A state by its name."""

    name: Name


class NewState(State):
    """A state to keep."""

    value: Annotated[str, Field(pattern=BASE64, max_length=MAX_BODY_BYTES, description="The bytes, in base64.")]


class States(Attempt):
    """States whose names begin alike."""

    prefix: Annotated[str, Field(max_length=MAX_NAME), STORABLE] = ""


class KeptState(Out):
    """The bytes in base64; null if nothing is kept."""

    value: str | None


class StateNames(Out):
    names: list[str]


class NewUsage(Attempt):
    """What a model has used."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    requests: Count = 0
    cost: Annotated[float, Field(strict=True, ge=0, le=MAX_COST)] = 0.0
    model: Annotated[str, Field(min_length=1, max_length=MAX_MODEL), STORABLE] | None = None
    key: Annotated[str, Field(min_length=1, max_length=MAX_KEY), STORABLE] = Field(
        description="The same key twice is counted once."
    )


class Delta(Attempt):
    """A part of a text."""

    text: Annotated[str, Field(max_length=MAX_DELTA), STORABLE]


@router.post("/{run_id}/state/load", operation_id="load_state", response_model=KeptState, summary="Load a state")
def load_state(caller: Worker, run_id: LooseId, body: State) -> dict[str, Any]:
    """What the run keeps under that name."""
    found = backend_of(caller, run_id, body.attempt).load_state(body.name)
    return {"value": None if found is None else b64encode(found).decode()}


@router.post("/{run_id}/state/save", operation_id="save_state", response_model=Written, summary="Save a state")
def save_state(caller: Worker, run_id: LooseId, body: NewState) -> dict[str, Any]:
    """Keep bytes with the run, until its case is deleted."""
    backend_of(caller, run_id, body.attempt).save_state(body.name, b64decode(body.value))
    return {"result": "kept"}


@router.post("/{run_id}/state/names", operation_id="list_states", response_model=StateNames, summary="List states")
def list_states(caller: Worker, run_id: LooseId, body: States) -> dict[str, Any]:
    """The names of what the run keeps, in order."""
    return {"names": backend_of(caller, run_id, body.attempt).state_names(body.prefix)}


@router.post("/{run_id}/state/delete", operation_id="delete_state", response_model=Written, summary="Delete a state")
def delete_state(caller: Worker, run_id: LooseId, body: State) -> dict[str, Any]:
    """Forget what the run keeps under that name."""
    backend_of(caller, run_id, body.attempt).delete_state(body.name)
    return {"result": "deleted"}


@router.post("/{run_id}/usage", operation_id="add_usage", response_model=Written, summary="Add usage")
def add_usage(caller: Worker, run_id: LooseId, body: NewUsage) -> dict[str, Any]:
    """Add to what the run's models have used."""
    models = () if body.model is None else (body.model,)
    used = Usage(body.input_tokens, body.output_tokens, body.requests, body.cost, models)
    backend_of(caller, run_id, body.attempt).add_usage(used, body.key)
    return {"result": "added"}


@router.post("/{run_id}/stream", operation_id="stream_text", response_model=Written, summary="Stream a text")
def stream_text(caller: Worker, run_id: LooseId, body: Delta) -> dict[str, Any]:
    """Show a part of a text to whoever looks at the run now; it is not kept."""
    backend_of(caller, run_id, body.attempt).stream(body.text)
    return {"result": "sent"}
