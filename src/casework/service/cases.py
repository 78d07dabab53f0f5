"""What people do to cases: create, look, retry, delegate, settle, delete, stop."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from casework.core.effects import Committed, Effects
from casework.core.lifecycle import LIFECYCLE, CaseStatus, Event
from casework.core.model import AgentId, Case, CaseEvent, CaseFilter, CaseId, NewCase, Priority, QueueId, RunId, TeamId
from casework.core.payload import check_data
from casework.core.unset import UNSET
from casework.errors import InvalidInput, NotAConsumer, NotFound
from casework.settings import Settings
from casework.store import cases as store
from casework.store import listing, queues, requests, runs, transitions
from casework.store.database import Database, Tx

MAX_BATCH = 1000
_CLEAR_BATCH = 1000


@dataclass(frozen=True, slots=True)
class CasesChanged:
    """What a person's action did to a list of cases."""

    moved: list[CaseId] = field(default_factory=list)
    skipped: int = 0
    interrupted: list[RunId] = field(default_factory=list)

    @property
    def effects(self) -> Effects:
        """The effects: stop the interrupted runs, and ask for a tick."""
        return Effects(stops=tuple(self.interrupted), nudge=bool(self.moved))


def create(db: Database, queue_id: QueueId, new: Sequence[NewCase]) -> Committed[list[CaseId]]:
    """Create up to 1000 cases in one transaction, all or none. A case with a known key is skipped.

    Raises InvalidInput and NotFound.
    """
    if not 1 <= len(new) <= MAX_BATCH:
        raise InvalidInput(f"Between 1 and {MAX_BATCH} cases can be created at once (got {len(new)}).")
    with db.single() if store.takes_one_statement(new) else db.begin() as tx:
        ids = create_within(tx, queue_id, new)
    return Committed(ids, Effects(nudge=bool(ids)))


def create_within(
    tx: Tx, queue_id: QueueId, new: Sequence[NewCase], *, run_id: RunId | None = None, agent_id: AgentId | None = None
) -> list[CaseId]:
    """Create cases inside an open transaction. Raises NotFound if the queue is gone."""
    ids = store.create(tx, queue_id, new, run_id=run_id, agent_id=agent_id)
    if ids is None:
        raise NotFound("queue", queue_id)
    return ids


def create_all(db: Database, queue_id: QueueId, new: Sequence[NewCase]) -> Committed[list[CaseId]]:
    """Create any number of cases in one transaction: all, or none."""
    with db.begin() as tx:
        ids: list[CaseId] = []
        for start in range(0, len(new), MAX_BATCH):
            ids += create_within(tx, queue_id, new[start : start + MAX_BATCH])
    return Committed(ids, Effects(nudge=bool(ids)))


def get(db: Database, team_id: TeamId, case_id: UUID) -> tuple[Case, list[CaseEvent]]:
    """A case and its history, oldest first. Raises NotFound."""
    with db.snapshot() as tx:
        case = resolve(tx, team_id, case_id)
        return case, store.events(tx, case.id)


def resolve(tx: Tx, team_id: TeamId, case_id: UUID) -> Case:
    """The team's case with that id, inside an open transaction. Raises NotFound."""
    found = store.get_many(tx, [case_id])
    if not found or queues.find_one(tx, team_id, id=found[0].queue_id) is None:
        raise NotFound("case", case_id)
    return found[0]


def create_and_get(db: Database, queue_id: QueueId, new: Sequence[NewCase]) -> Committed[list[Case]]:
    """Like `create`, and return the created cases, read in the same transaction."""
    with db.begin() as tx:
        created = create_and_get_within(tx, queue_id, new)
    return Committed(created, Effects(nudge=True))


def create_and_get_within(tx: Tx, queue_id: QueueId, new: Sequence[NewCase]) -> list[Case]:
    """Like `create_and_get`, inside an open transaction."""
    return store.get_many(tx, create_within(tx, queue_id, new))


def update(
    db: Database,
    team_id: TeamId,
    case_id: UUID,
    *,
    title: str | None = None,
    priority: Priority | None = None,
    data: Any = UNSET,
) -> Committed[tuple[Case, list[CaseEvent]]]:
    """Change a case, whatever its status. A title or priority of None stays as it is; data of None becomes null.

    Raises NotFound, and InvalidInput.
    """
    if title is not None:
        title = NewCase(title).title
    if data is not UNSET:
        check_data("data", data)
    with db.begin() as tx:
        case = resolve(tx, team_id, case_id)
        text = None if data is UNSET else json.dumps(data, ensure_ascii=False)
        store.update(tx, case.id, title=title, data=text, priority=priority)
    return Committed(get(db, team_id, case_id), Effects(nudge=priority is not None))


def get_many(db: Database, ids: Sequence[UUID]) -> list[Case]:
    """The cases with these ids, in their order."""
    with db.snapshot() as tx:
        return store.get_many(tx, ids)


def find(db: Database, queue_id: QueueId, wanted: CaseFilter, *, limit: int, offset: int = 0) -> list[Case]:
    """Cases of a queue, newest first."""
    with db.snapshot() as tx:
        return listing.page(tx, queue_id, wanted, limit=limit, offset=offset)[0]


def queue_of(db: Database, team_id: TeamId, case_id: UUID) -> QueueId:
    """The queue that a case is in. Raises NotFound."""
    with db.snapshot() as tx:
        return resolve(tx, team_id, case_id).queue_id


def retry(db: Database, settings: Settings, queue_id: QueueId, ids: Sequence[UUID]) -> Committed[CasesChanged]:
    """Set cases back to pending, for all consumers of the queue. Interrupts live runs; skips pending cases."""
    return _override(db, settings, Event.RETRY, CaseStatus.PENDING, queue_id, ids)


def delegate(
    db: Database, settings: Settings, queue_id: QueueId, ids: Sequence[UUID], agent_id: AgentId
) -> Committed[CasesChanged]:
    """Set cases back to pending, for that agent only. Raises NotAConsumer if it is not connected to the queue."""
    return _override(db, settings, Event.DELEGATE, CaseStatus.PENDING, queue_id, ids, agent_id=agent_id)


def settle(
    db: Database,
    settings: Settings,
    queue_id: QueueId,
    ids: Sequence[UUID],
    status: CaseStatus,
    reason: str | None = None,
) -> Committed[CasesChanged]:
    """Complete or fail cases by hand. Skips cases that already have that status. Raises InvalidInput."""
    ends = LIFECYCLE.targets(Event.SETTLE)
    if status not in ends:
        raise InvalidInput(f"A case is settled as {' or '.join(ends)}, not as {status}.")
    return _override(db, settings, Event.SETTLE, status, queue_id, ids, reason=reason)


def _override(
    db: Database,
    settings: Settings,
    event: Event,
    target: CaseStatus,
    queue_id: QueueId,
    ids: Sequence[UUID],
    *,
    agent_id: AgentId | None = None,
    reason: str | None = None,
) -> Committed[CasesChanged]:
    with db.begin() as tx:
        if agent_id is not None and not queues.is_consumer(tx, queue_id, agent_id):
            raise NotAConsumer
        rows = store.lock(tx, ids, queue_id)
        done = override_within(tx, settings, event, target, rows, agent_id=agent_id, reason=reason)
    return Committed(CasesChanged(done.moved, len(set(ids)) - len(done.moved), done.interrupted), done.effects)


def override_within(
    tx: Tx,
    settings: Settings,
    event: Event,
    target: CaseStatus,
    locked: Sequence[Any],
    *,
    agent_id: AgentId | None = None,
    reason: str | None = None,
) -> CasesChanged:
    """Take locked cases from their runs. A case whose run has to stop first is ready once it has, or at its
    deadline."""
    moving = [row for row in locked if LIFECYCLE.allows(CaseStatus(row.status), event, target)]
    ids = [row.id for row in moving]
    if not ids:
        return CasesChanged(skipped=len(locked))
    stopped = transitions.interrupt(tx, ids, tx.now + settings.grace, reason or f"interrupted: {event}")
    requests.cancel_of_cases(tx, ids)
    until = {run.case_id: run.runs_until for run in stopped}
    transitions.override(
        tx,
        event,
        target,
        [(row.id, until.get(row.id) or tx.now, row.run_id) for row in moving],
        agent_id=agent_id,
        reason=reason,
    )
    return CasesChanged([CaseId(id) for id in ids], len(locked) - len(ids), [run.run_id for run in stopped])


def take_back_from(tx: Tx, settings: Settings, queue_id: QueueId, agent_id: AgentId) -> list[RunId]:
    """Release all cases of a queue that an agent works on or that are delegated to it, pending ones too."""
    rows = store.lock(tx, store.lock_of_consumer(tx, queue_id, agent_id))
    pending = [row for row in rows if row.status == CaseStatus.PENDING]
    taken = override_within(tx, settings, Event.RETRY, CaseStatus.PENDING, rows, reason="its agent was disconnected")
    undelegated = override_within(
        tx, settings, Event.DELEGATE, CaseStatus.PENDING, pending, reason="its agent was disconnected"
    )
    return taken.interrupted + undelegated.interrupted


def release_unstarted(tx: Tx, unstarted: Sequence[transitions.Fence]) -> int:
    """Release runs that were sent but have not started, and return how many. All their cases are locked first, by id:
    locking them in the order of the runs would break the lock order."""
    store.lock(tx, [fence.case_id for fence in unstarted])
    return sum(
        runs.lock_if_unstarted(tx, fence) and transitions.release(tx, fence, "released before it started")
        for fence in unstarted
    )


def delete(db: Database, settings: Settings, queue_id: QueueId, ids: Sequence[UUID]) -> Committed[CasesChanged]:
    """Delete cases. Interrupts live runs; the rows of runs stay."""
    with db.begin() as tx:
        done = _delete_within(tx, settings, [row.id for row in store.lock(tx, ids, queue_id)])
    return Committed(CasesChanged(done.moved, len(set(ids)) - len(done.moved), done.interrupted), done.effects)


def delete_one(db: Database, settings: Settings, team_id: TeamId, case_id: UUID) -> Committed[list[RunId]]:
    """Delete a case and interrupt its live run, which is returned. Raises NotFound, also if another request was
    first."""
    with db.begin() as tx:
        queue_id = resolve(tx, team_id, case_id).queue_id
        if not store.lock(tx, [case_id], queue_id):
            raise NotFound("case", case_id)
        done = _delete_within(tx, settings, [case_id])
    return Committed(done.interrupted, done.effects)


def _delete_within(tx: Tx, settings: Settings, locked: Sequence[UUID]) -> CasesChanged:
    stopped = transitions.interrupt(tx, locked, tx.now + settings.grace, "interrupted: delete", forget=True)
    store.delete(tx, locked)
    return CasesChanged([CaseId(id) for id in locked], 0, [run.run_id for run in stopped])


def clear_within(tx: Tx, settings: Settings, queue_id: QueueId) -> tuple[int, list[RunId]]:
    """Delete every case of a queue inside an open transaction."""
    count = 0
    interrupted: list[RunId] = []
    while ids := store.ids_of(tx, queue_id, tx.now, _CLEAR_BATCH):
        done = _delete_within(tx, settings, [row.id for row in store.lock(tx, ids)])
        count += len(done.moved)
        interrupted += done.interrupted
    return count, interrupted


def clear(db: Database, settings: Settings, team_id: TeamId, ref: UUID) -> Committed[tuple[int, list[RunId]]]:
    """Delete the present cases of a queue, a thousand per transaction. Returns their number and the interrupted
    runs."""
    with db.begin() as tx:
        queue = queues.find_one(tx, team_id, id=ref)
        until = tx.now
    if queue is None:
        raise NotFound("queue", ref)
    count = 0
    interrupted: list[RunId] = []
    while True:
        with db.begin() as tx:
            ids = store.ids_of(tx, queue.id, until, _CLEAR_BATCH)
            done = _delete_within(tx, settings, [row.id for row in store.lock(tx, ids)]) if ids else CasesChanged()
        if not ids:
            return Committed((count, interrupted), Effects(stops=tuple(interrupted)))
        count += len(done.moved)
        interrupted += done.interrupted
