"""What people do to cases: create, look, change, retry, delegate, postpone, settle, delete."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from casework.core.duration import parse_when
from casework.core.effects import Committed, Effects, to_claim
from casework.core.lifecycle import LIFECYCLE, CaseStatus, Event
from casework.core.model import AgentId, Case, CaseEvent, CaseFilter, CaseId, NewCase, Priority, QueueId, RunId, TeamId
from casework.core.payload import check_data
from casework.core.unset import UNSET
from casework.errors import Conflict, InvalidInput, NotAConsumer, NotFound
from casework.service.changes import Relabel, change
from casework.service.overrides import CasesChanged, override_within
from casework.settings import Settings
from casework.store import cases as store
from casework.store import kept, listing, queues, transitions
from casework.store.database import Database, Tx

MAX_BATCH = 1000
_CLEAR_BATCH = 1000


def create(db: Database, queue_id: QueueId, new: Sequence[NewCase]) -> Committed[list[CaseId]]:
    """Create up to 1000 cases in one transaction, all or none. A case with a known key is skipped.

    Raises InvalidInput and NotFound.
    """
    if not 1 <= len(new) <= MAX_BATCH:
        raise InvalidInput(f"Between 1 and {MAX_BATCH} cases can be created at once (got {len(new)}).")
    ids = _create_alone(db, queue_id, new) if store.takes_one_statement(new) else None
    if ids is None:
        with db.begin() as tx:
            ids = create_within(tx, queue_id, new)
    return Committed(ids, to_claim(queue_id, len(ids)))


def _create_alone(db: Database, queue_id: QueueId, new: Sequence[NewCase]) -> list[CaseId] | None:
    """In one statement; None if that is not possible."""
    with db.single() as tx:
        return store.create(tx, queue_id, new, alone=True)


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
    return Committed(ids, to_claim(queue_id, len(ids)))


def get(db: Database, team_id: TeamId, case_id: UUID) -> tuple[Case, list[CaseEvent]]:
    """A case and its history, oldest first. Raises NotFound."""
    with db.snapshot() as tx:
        case = resolve(tx, team_id, case_id)
        return case, store.events(tx, case.id)


def resolve(tx: Tx, team_id: TeamId, case_id: UUID) -> Case:
    """The team's case with that id, inside an open transaction. Raises NotFound."""
    found = store.get(tx, team_id, case_id)
    if found is None:
        raise NotFound("case", case_id)
    return found


@dataclass(frozen=True, slots=True)
class Created:
    """The cases of a request, in its order: those that were created, and those that had one of its keys already."""

    cases: list[Case]
    existing: list[CaseId]

    def to_claim(self, queue_id: QueueId) -> Effects:
        """What is to be done about those that were created: at least a nudge, which may have been lost when the others were."""
        return replace(to_claim(queue_id, len(self.cases) - len(self.existing)), nudge=True)


def create_and_get(db: Database, queue_id: QueueId, new: Sequence[NewCase]) -> Committed[Created]:
    """Like `create`, and return the cases, read in the same transaction: for a known key, the first case that had it."""
    with db.begin() as tx:
        created = create_and_get_within(tx, queue_id, new)
    return Committed(created, created.to_claim(queue_id))


def create_and_get_within(tx: Tx, queue_id: QueueId, new: Sequence[NewCase]) -> Created:
    """Like `create_and_get`, inside an open transaction."""
    added = create_within(tx, queue_id, new)
    if len(added) == len(new):
        return Created(store.get_many(tx, added), [])
    known = store.ids_of_keys(tx, queue_id, [case.key for case in new if case.key])
    without_key = (id for id in added if id not in known.values())
    ids = [known.get(case.key) if case.key else next(without_key) for case in new]
    present = [id for id in ids if id]
    if len(present) < len(new):
        raise Conflict(
            "A case that has one of the keys was deleted meanwhile. Nothing was created; repeat the request."
        )
    found = {case.id: case for case in store.get_many(tx, list(dict.fromkeys(present)))}
    return Created([found[id] for id in present], [id for id in dict.fromkeys(present) if id not in added])


def update(
    db: Database,
    team_id: TeamId,
    case_id: UUID,
    *,
    title: str | None = None,
    priority: Priority | None = None,
    data: Any = UNSET,
    relabel: Relabel | None = None,
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
        if not change(tx, case.queue_id, case.id, title=title, data=data, priority=priority, relabel=relabel):
            raise NotFound("case", case_id)
        # Within the transaction: somebody who waits to delete the case does so after its commit.
        changed = store.get_many(tx, [case.id])[0], store.events(tx, case.id)
    return Committed(changed, Effects(nudge=priority is not None or data is not UNSET or relabel is not None))


def get_many(db: Database, ids: Sequence[UUID]) -> list[Case]:
    """The cases with these ids, in their order."""
    with db.snapshot() as tx:
        return store.get_many(tx, ids)


def find(db: Database, queue_id: QueueId, wanted: CaseFilter, *, limit: int, offset: int = 0) -> list[Case]:
    """Cases of a queue, newest first."""
    with db.snapshot() as tx:
        return listing.page(tx, queue_id, wanted, limit=limit, offset=offset)[0]


def end_reasons(db: Database, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Why each of these cases, which have ended, did so, if that is known."""
    with db.snapshot() as tx:
        return listing.end_reasons(tx, ids)


def queue_of(db: Database, team_id: TeamId, case_id: UUID) -> QueueId:
    """The queue that a case is in. Raises NotFound."""
    with db.snapshot() as tx:
        return resolve(tx, team_id, case_id).queue_id


def retry(
    db: Database,
    settings: Settings,
    queue_id: QueueId,
    ids: Sequence[UUID],
    *,
    same_agent: bool = False,
    keep_steps: bool = False,
) -> Committed[CasesChanged]:
    """Set cases back to pending, for all consumers of the queue. Interrupts live runs; skips pending cases.

    The next run of a case starts without steps; with `keep_steps`, it starts with those of the case's last run, whichever
    agent's that was.

    With `same_agent`, each case is delegated to the agent that it was delegated to, or that had it last. Raises NotAConsumer
    if such an agent is no longer connected to the queue.
    """
    if same_agent:
        return _retry_by_same_agents(db, settings, queue_id, ids, keep_steps)
    return _override(db, settings, Event.RETRY, CaseStatus.PENDING, queue_id, ids, keep_steps=keep_steps)


def _retry_by_same_agents(
    db: Database, settings: Settings, queue_id: QueueId, ids: Sequence[UUID], keep_steps: bool
) -> Committed[CasesChanged]:
    done = CasesChanged()
    with db.begin() as tx:
        # Consumers are locked before cases. A case that another agent takes in between is skipped.
        checked = {agent_id: name for agent_id, name in store.last_agents(tx, ids).values() if agent_id}
        for agent_id in sorted(checked):
            if not queues.is_consumer(tx, queue_id, agent_id):
                raise NotAConsumer(f"The agent {checked[agent_id]!r} is not a consumer of this queue any more.")
        rows = store.lock(tx, ids, queue_id)
        agents = store.last_agents(tx, ids)
        for same in (None, *sorted(checked)):
            mine = [row for row in rows if agents[row.id][0] == same]
            part = override_within(
                tx, settings, Event.RETRY, CaseStatus.PENDING, mine, agent_id=same, keep_steps=keep_steps
            )
            done.moved.extend(part.moved)
            done.interrupted.extend(part.interrupted)
            done.refused.update(part.refused)
    changed = replace(done, skipped=len(set(ids)) - len(done.moved))
    return Committed(changed, changed.effects)


def delegate(
    db: Database, settings: Settings, queue_id: QueueId, ids: Sequence[UUID], agent_id: AgentId
) -> Committed[CasesChanged]:
    """Set cases back to pending, for that agent only. Raises NotAConsumer if it is not connected to the queue."""
    return _override(db, settings, Event.DELEGATE, CaseStatus.PENDING, queue_id, ids, agent_id=agent_id)


def postpone(
    db: Database,
    settings: Settings,
    queue_id: QueueId,
    ids: Sequence[UUID],
    until: str | timedelta | datetime,
    reason: str | None = None,
) -> Committed[CasesChanged]:
    """Set cases aside until a moment, or for a time such as "2h"; a delegation stays. Interrupts runs that would go on,
    and skips cases whose status does not permit it. Raises InvalidInput, also for a moment that has passed."""
    return _override(
        db, settings, Event.DEFER, CaseStatus.POSTPONED, queue_id, ids, reason=reason, until=parse_when(until)
    )


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
    until: timedelta | datetime | None = None,
    keep_steps: bool | None = None,
) -> Committed[CasesChanged]:
    with db.begin() as tx:
        moment = tx.now + until if isinstance(until, timedelta) else until
        if moment is not None and moment <= tx.now:
            raise InvalidInput(f"{moment.isoformat()} has passed: give a moment that is still to come.")
        if agent_id is not None and not queues.is_consumer(tx, queue_id, agent_id):
            raise NotAConsumer
        rows = store.lock(tx, ids, queue_id)
        done = override_within(
            tx, settings, event, target, rows, agent_id=agent_id, reason=reason, until=moment, keep_steps=keep_steps
        )
    return Committed(replace(done, skipped=len(set(ids)) - len(done.moved)), done.effects)


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
    kept.forget_states(tx, locked)
    stopped = transitions.interrupt(tx, locked, tx.now + settings.grace, "its case was deleted", forget=True)
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
