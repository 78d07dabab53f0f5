"""Labels of queues and of cases."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from casework.api import schemas as s
from casework.api.auth import Adder, Operator, Reader
from casework.api.route import GuardedRoute
from casework.api.types import MAX_OFFSET, LooseId
from casework.core.model import LabelRef
from casework.service import labels, pull

router = APIRouter(prefix="/queues/{queue_id}", tags=["labels"], route_class=GuardedRoute)

Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET)]


@router.get(
    "/cases/{case_id}/labels", operation_id="list_case_labels", response_model=s.Labels, summary="List a case's labels"
)
def list_case_labels(
    caller: Reader, queue_id: LooseId, case_id: LooseId, limit: Limit = 1000, offset: Offset = 0
) -> dict[str, Any]:
    """The labels of a case."""
    return {"labels": labels.of_case(caller.reads, caller.team, queue_id, case_id, limit=limit, offset=offset)}


@router.post("/cases/{case_id}/labels", operation_id="assign_labels", response_model=s.Labels, summary="Assign labels")
def assign_labels(caller: Adder, queue_id: LooseId, case_id: LooseId, body: s.AssignLabels) -> dict[str, Any]:
    """Assign labels, creating those that are missing; returns all labels of the case. An agent's key may do so for cases that it holds."""
    pull.check_case(caller.db, case_id, caller.agents)
    refs = [LabelRef(label.value, label.key) for label in body.labels]
    return {"labels": labels.assign(caller.db, caller.team, queue_id, case_id, refs)}


@router.post(
    "/cases/{case_id}/labels/unlink", operation_id="unlink_labels", response_model=s.Success, summary="Take labels off"
)
def unlink_labels(caller: Operator, queue_id: LooseId, case_id: LooseId, body: s.UnlinkLabels) -> dict[str, Any]:
    """Take labels off a case."""
    labels.unlink(caller.db, caller.team, queue_id, case_id, body.label_ids)
    return {"success": True}


@router.get(
    "/labels", operation_id="list_queue_labels", response_model=s.CountedLabels, summary="List a queue's labels"
)
def list_queue_labels(caller: Reader, queue_id: LooseId, limit: Limit = 1000, offset: Offset = 0) -> dict[str, Any]:
    """The labels of a queue, with the number of cases that carry each."""
    return {"labels": labels.of_queue(caller.reads, caller.team, queue_id, limit=limit, offset=offset)}


@router.post("/labels", operation_id="create_label", response_model=s.OneCountedLabel, summary="Create a label")
def create_label(caller: Adder, queue_id: LooseId, body: s.NewLabel) -> dict[str, Any]:
    """Create a label; one that exists already is returned as it is."""
    pull.check_queue(caller.db, queue_id, caller.agents)
    return {"label": labels.create(caller.db, caller.team, queue_id, LabelRef(body.value, body.key), body.color_hue)}


@router.patch("/labels/{label_id}", operation_id="update_label", response_model=s.OneLabel, summary="Change a label")
def update_label(caller: Operator, queue_id: LooseId, label_id: LooseId, body: s.PatchLabel) -> dict[str, Any]:
    """Change a label for every case that carries it."""
    changed = labels.change(
        caller.db, caller.team, queue_id, label_id, key=body.key, value=body.value, hue=body.color_hue
    )
    return {"label": changed}


@router.delete("/labels/{label_id}", operation_id="delete_label", response_model=s.Success, summary="Delete a label")
def delete_label(caller: Operator, queue_id: LooseId, label_id: LooseId) -> dict[str, Any]:
    """Delete a label and every assignment of it."""
    labels.delete(caller.db, caller.team, queue_id, label_id)
    return {"success": True}
