"""Changes of a case that move nothing: title, data, priority and labels, as one line of its history."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from casework.core import changes
from casework.core.lifecycle import EventType
from casework.core.model import CaseId, LabelRef, Priority, QueueId
from casework.core.unset import UNSET
from casework.store import cases, labels, queues
from casework.store.database import Tx
from casework.store.transitions import Fence

Relabel = Callable[[set[LabelRef]], Iterable[LabelRef]]
"""From the labels that a case has to those that it gets."""


def change(
    tx: Tx,
    queue_id: QueueId,
    case_id: CaseId,
    *,
    fence: Fence | None = None,
    title: str | None = None,
    data: Any = UNSET,
    priority: Priority | None = None,
    relabel: Relabel | None = None,
) -> bool:
    """Change a case. False if it or its queue is gone, or if the fence, which a run gives, no longer holds."""
    # A label refers to the queue, which is locked before the case.
    if relabel and not queues.lock_for_adding(tx, queue_id):
        return False
    text = None if data is UNSET else json.dumps(data, ensure_ascii=False)
    changed = cases.change(tx, case_id, fence, title=title, data=text, priority=priority, relabels=relabel is not None)
    if changed is None:
        return False
    found = changes.of_fields(changed.old, changed.new)
    if relabel:
        found += _relabel(tx, queue_id, case_id, relabel)
    only_labels = relabel and title is None and data is UNSET and priority is None
    cases.record_change(tx, changed, EventType.LABELS_CHANGED if only_labels else EventType.UPDATED, found)
    return True


def _relabel(tx: Tx, queue_id: QueueId, case_id: CaseId, relabel: Relabel) -> list[changes.Change]:
    carried = {LabelRef(label.value, label.key): label.id for label in labels.of_cases(tx, [case_id]).get(case_id, ())}
    wanted = set(relabel(set(carried)))
    if added := wanted - carried.keys():
        labels.assign(tx, queue_id, [(case_id, sorted(added, key=str))])
    if removed := carried.keys() - wanted:
        labels.unlink(tx, case_id, [carried[ref] for ref in removed])
    return changes.of_labels(carried, wanted)
