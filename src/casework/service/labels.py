"""Labels of a queue and of its cases."""

from collections.abc import Callable, Sequence
from uuid import UUID

from casework.core.model import CaseId, CountedLabel, Label, LabelRef, Queue, QueueId, TeamId
from casework.errors import InvalidInput, NotFound
from casework.service import changes
from casework.service.queues import resolve
from casework.store import cases, parked, queues
from casework.store import labels as store
from casework.store.database import Database, Tx

MAX_ASSIGNED = 50


def _kept(tx: Tx, team_id: TeamId, queue_id: UUID) -> Queue:
    """The queue, locked against deletion until the transaction ends. A new label refers to it, and the lock order
    demands it before the cases."""
    queue = resolve(tx, team_id, queue_id)
    if not queues.lock_for_adding(tx, queue.id):
        raise NotFound("queue", queue_id)
    return queue


def _case_of(tx: Tx, team_id: TeamId, queue_id: UUID, case_id: UUID) -> tuple[QueueId, CaseId]:
    queue = _kept(tx, team_id, queue_id)
    if not cases.lock(tx, [case_id], queue.id):
        raise NotFound("case", case_id)
    return queue.id, CaseId(case_id)


def of_queue(db: Database, team_id: TeamId, queue_id: UUID, *, limit: int, offset: int) -> list[CountedLabel]:
    """The labels of a queue, with how many cases carry each."""
    with db.snapshot() as tx:
        return store.of_queue(tx, resolve(tx, team_id, queue_id).id, limit=limit, offset=offset)


def names(db: Database, team_id: TeamId, queue_id: UUID, limit: int) -> list[Label]:
    """The first labels of a queue, by key and value. Raises NotFound."""
    with db.snapshot() as tx:
        return store.names(tx, resolve(tx, team_id, queue_id).id, limit)


def of_case(db: Database, team_id: TeamId, queue_id: UUID, case_id: UUID, *, limit: int, offset: int) -> list[Label]:
    """The labels of a case."""
    with db.snapshot() as tx:
        if not cases.is_in(tx, case_id, resolve(tx, team_id, queue_id).id):
            raise NotFound("case", case_id)
        return list(store.of_cases(tx, [case_id]).get(case_id, ()))[offset : offset + limit]


def assign(db: Database, team_id: TeamId, queue_id: UUID, case_id: UUID, refs: Sequence[LabelRef]) -> list[Label]:
    """Assign labels, creating those that are missing; returns all labels of the case. Raises NotFound, InvalidInput."""
    if not 1 <= len(refs) <= MAX_ASSIGNED:
        raise InvalidInput(f"Between 1 and {MAX_ASSIGNED} labels can be assigned at once (got {len(refs)}).")
    with db.begin() as tx:
        queue, case = _case_of(tx, team_id, queue_id, case_id)
        _relabel(tx, queue, case, lambda has: has | set(refs))
        return list(store.of_cases(tx, [case]).get(case, ()))


def unlink(db: Database, team_id: TeamId, queue_id: UUID, case_id: UUID, label_ids: Sequence[UUID]) -> None:
    """Remove labels from a case; those that it does not have are ignored. Raises NotFound."""
    with db.begin() as tx:
        queue, case = _case_of(tx, team_id, queue_id, case_id)
        carried = store.of_cases(tx, [case]).get(case, ())
        gone = {LabelRef(label.value, label.key) for label in carried if label.id in label_ids}
        _relabel(tx, queue, case, lambda has: has - gone)


def _relabel(tx: Tx, queue_id: QueueId, case_id: CaseId, relabel: Callable[[set[LabelRef]], set[LabelRef]]) -> None:
    """Change the labels of a locked case. What changes nothing leaves no trace."""
    has = {LabelRef(label.value, label.key) for label in store.of_cases(tx, [case_id]).get(case_id, ())}
    if relabel(has) != has:
        changes.change(tx, queue_id, case_id, relabel=relabel)


def create(db: Database, team_id: TeamId, queue_id: UUID, ref: LabelRef, hue: int | None) -> CountedLabel:
    """Create a label; an existing one is returned unchanged."""
    with db.begin() as tx:
        return store.create(tx, _kept(tx, team_id, queue_id).id, ref, hue)


def change(
    db: Database, team_id: TeamId, queue_id: UUID, label_id: UUID, *, key: str | None, value: str, hue: int | None
) -> Label:
    """Change a label for every case that carries it. Raises NotFound, and NameTaken."""
    LabelRef(value, key or "")
    with db.begin() as tx:
        queue = resolve(tx, team_id, queue_id)
        parked.leave(tx, queue.id, label_id, key, value)
        label = store.change(tx, queue.id, label_id, key=key, value=value, hue=hue)
    if label is None:
        raise NotFound("label", label_id)
    return label


def delete(db: Database, team_id: TeamId, queue_id: UUID, label_id: UUID) -> None:
    """Delete a label and its assignments. Raises NotFound."""
    with db.begin() as tx:
        queue = resolve(tx, team_id, queue_id)
        parked.leave(tx, queue.id, label_id, None, None)
        if not store.delete(tx, queue.id, label_id):
            raise NotFound("label", label_id)
