"""Takes cases from their runs: what a person decides about a case counts, whatever a run is doing to it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from casework.core.effects import Effects
from casework.core.lifecycle import LIFECYCLE, CaseStatus, Event
from casework.core.model import AgentId, CaseId, QueueId, RunId
from casework.settings import Settings
from casework.store import cases as store
from casework.store import requests, runs, transitions
from casework.store.database import Tx
from casework.store.transitions import Overridden


@dataclass(frozen=True, slots=True)
class CasesChanged:
    """What a person's action did to a list of cases."""

    moved: list[CaseId] = field(default_factory=list)
    skipped: int = 0
    interrupted: list[RunId] = field(default_factory=list)
    undelegated_from: list[AgentId] = field(default_factory=list)
    """The agents that cases were delegated to before a retry."""
    refused: Counter[CaseStatus] = field(default_factory=Counter)
    """The statuses of the cases that the lifecycle does not let move; the other skipped ones are gone."""

    @property
    def effects(self) -> Effects:
        """The effects: stop the interrupted runs, and ask for a tick."""
        return Effects(stops=tuple(self.interrupted), nudge=bool(self.moved))


def override_within(
    tx: Tx,
    settings: Settings,
    event: Event,
    target: CaseStatus,
    locked: Sequence[Any],
    *,
    agent_id: AgentId | None = None,
    reason: str | None = None,
    until: datetime | None = None,
    keep_steps: bool | None = None,
) -> CasesChanged:
    """Take locked cases from their runs. A case whose run has to stop first is ready once it has, or at its
    deadline, and not before `until`. `keep_steps` says whether the run after a retry starts with the steps
    of the last one; None leaves what an earlier retry said."""
    moving = [row for row in locked if LIFECYCLE.allows(CaseStatus(row.status), event, target)]
    ids = [row.id for row in moving]
    refused = Counter(status for row in locked if not LIFECYCLE.allows(status := CaseStatus(row.status), event, target))
    if not ids:
        return CasesChanged(skipped=len(locked), refused=refused)
    stopped = transitions.interrupt(
        tx, ids, tx.now + settings.grace, reason or f"its case was {LIFECYCLE.transition(event, target, by=()).records}"
    )
    requests.cancel_of_cases(tx, ids)
    changed = _Changed(event, target, agent_id, until, keep_steps)
    stops_at = {run.case_id: run.runs_until or tx.now for run in stopped}
    ready_at = {row.id: max(filter(None, (stops_at.get(row.id, tx.now), until))) for row in moving}
    transitions.override(
        tx,
        event,
        target,
        [Overridden(row.id, ready_at[row.id], row.run_id, changed.of(row)) for row in moving],
        agent_id=agent_id,
        reason=reason,
        until=until,
        keep_steps=keep_steps,
    )
    former = {row.assigned_agent_id for row in moving if row.assigned_agent_id} if event is Event.RETRY else ()
    return CasesChanged(
        [CaseId(id) for id in ids], len(locked) - len(ids), [run.run_id for run in stopped], sorted(former), refused
    )


@dataclass(frozen=True, slots=True)
class _Changed:
    """What an override changes of a case, for its history."""

    event: Event
    target: CaseStatus
    agent_id: AgentId | None
    until: datetime | None
    keep_steps: bool | None

    def of(self, row: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if row.status != self.target:
            found.append({"field": "status", "old": row.status, "new": self.target})
        if LIFECYCLE.transition(self.event, self.target, by=()).assigns and row.assigned_agent_id != self.agent_id:
            old, new = (str(one) if one else None for one in (row.assigned_agent_id, self.agent_id))
            found.append({"field": "assigned_agent_id", "old": old, "new": new})
        if self.until:
            found.append({"field": "postponed_to", "new": self.until.isoformat()})
        if self.keep_steps:
            found.append({"field": "steps", "new": "kept"})
        return found


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
