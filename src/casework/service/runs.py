"""Runs as people see them, and stopping one."""

from collections.abc import Sequence
from uuid import UUID

from casework.core.effects import Committed, Effects
from casework.core.lifecycle import LIFECYCLE, LIVE, CaseStatus, Event, RunStatus
from casework.core.model import AgentId, CaseId, CaseRun, Message, QueueId, RunRecord, TeamId
from casework.core.steps import Step
from casework.errors import Conflict, NotFound, TransitionRefused
from casework.service.cases import resolve
from casework.service.overrides import CasesChanged, override_within
from casework.settings import Settings
from casework.store import cases, messages, queues
from casework.store import runs as store
from casework.store.database import Database, Tx


def _get(tx: Tx, team_id: TeamId, run_id: UUID) -> RunRecord:
    run = store.get(tx, team_id, run_id)
    if run is None or queues.find_one(tx, team_id, id=run.queue_id) is None:
        raise NotFound("run", run_id)
    return run


def get(db: Database, team_id: TeamId, run_id: UUID) -> RunRecord:
    """The run with that id. Raises NotFound."""
    with db.begin() as tx:
        return _get(tx, team_id, run_id)


def list_messages(
    db: Database, team_id: TeamId, run_id: UUID, *, limit: int, offset: int = 0, after: int = 0
) -> list[Message]:
    """The messages of a run after the one with the id `after`, the oldest first. Raises NotFound."""
    with db.begin() as tx:
        return messages.find(tx, _get(tx, team_id, run_id).id, limit=limit, offset=offset, after=after)


def list_steps(db: Database, team_id: TeamId, run_id: UUID, *, limit: int, offset: int = 0) -> list[Step]:
    """The steps that a run has done or kept, with their results, in their order. Raises NotFound."""
    with db.begin() as tx:
        return messages.find_steps(tx, _get(tx, team_id, run_id).id, limit=limit, offset=offset)


def find(
    db: Database,
    team_id: TeamId,
    *,
    queue_id: UUID | None = None,
    case_id: UUID | None = None,
    agent_id: UUID | None = None,
    statuses: Sequence[RunStatus] = (),
    limit: int,
    offset: int = 0,
) -> list[RunRecord]:
    """The team's runs, newest first."""
    with db.begin() as tx:
        return store.find(
            tx,
            team_id,
            queue_id=QueueId(queue_id) if queue_id else None,
            case_id=CaseId(case_id) if case_id else None,
            agent_id=AgentId(agent_id) if agent_id else None,
            statuses=statuses,
            limit=limit,
            offset=offset,
        )


def of_case(db: Database, team_id: TeamId, case_id: UUID) -> list[CaseRun]:
    """The runs that claimed a case or received it, by their ownership events, newest first. Raises NotFound."""
    with db.begin() as tx:
        resolve(tx, team_id, case_id)
        return store.owners_of(tx, CaseId(case_id))


def recent(db: Database, team_id: TeamId, case_id: UUID, run_id: UUID, limit: int) -> list[Message]:
    """The latest texts and tool calls of a run, newest last. Raises NotFound."""
    with db.begin() as tx:
        resolve(tx, team_id, case_id)
        run = _get(tx, team_id, run_id)
        if run.case_id != case_id:
            raise NotFound("run", run_id)
        return messages.latest(tx, run.id, limit)


def last_messages(
    db: Database, team_id: TeamId, run_id: UUID, limit: int, *, before: int | None = None
) -> list[Message]:
    """The latest messages of a run, or those before the one with that id, newest last. Raises NotFound."""
    with db.snapshot() as tx:
        return messages.last(tx, _get(tx, team_id, run_id).id, limit, before=before)


def stop(
    db: Database, settings: Settings, team_id: TeamId, run_id: UUID, reason: str | None = None
) -> Committed[RunRecord]:
    """Stop a run: its case fails with the reason. Raises NotFound, and Conflict if the run has ended."""
    with db.begin() as tx:
        run = _get(tx, team_id, run_id)
        rows = [row for row in cases.lock(tx, [run.case_id]) if row.run_id == run.id] if run.case_id else []
        done = (
            override_within(tx, settings, Event.STOP, CaseStatus.FAILED, rows, reason=reason or "stopped by a person")
            if rows
            else CasesChanged()
        )
        run = _get(tx, team_id, run_id)
        if not done.moved and run.status not in LIVE:
            raise Conflict(f"The run has ended: it is {run.status}.")
        if rows and not done.moved:
            raise TransitionRefused(
                f"{LIFECYCLE.refusal(CaseStatus(rows[0].status), Event.STOP)} Settle, retry or delegate the case instead."
            )
    return Committed(run, Effects(stops=tuple(done.interrupted), nudge=True))
