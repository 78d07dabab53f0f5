"""Runs of agents whose only sign of life are their calls: a model thinks for minutes between two of them."""

from datetime import timedelta
from uuid import UUID

from casework.agents import HeldCase
from casework.core.effects import RunMessage
from casework.core.model import LabelRef, RunId, TeamId
from casework.errors import RunLost
from casework.service import pull
from casework.service.pull import Permitted, PulledRun
from casework.settings import Settings
from casework.store import cases, leases, runs
from casework.store.database import Database


def keep(
    db: Database, settings: Settings, team_id: TeamId, run_id: UUID, attempt: int, permitted: Permitted = None
) -> bool:
    """Record that the agent called, and keep its run for CASEWORK_MCP_LEASE_SECONDS. Returns whether the run was asked to stop.
    Raises NotFound, and RunLost if it no longer holds its case."""
    stop = pull.heartbeat(db, settings, team_id, run_id, attempt, permitted)
    lead = timedelta(seconds=max(0.0, settings.mcp_lease_seconds - settings.lease_seconds))
    with db.begin() as tx:
        leases.extend(tx, RunId(run_id), attempt, lead)
    return stop


def again(db: Database, team_id: TeamId, run_id: UUID, attempt: int) -> PulledRun:
    """What a run that was just kept holds, as its claim returned it, with the case as it is now. Raises RunLost."""
    with db.snapshot() as tx:
        run = runs.get(tx, team_id, run_id)
        case = cases.get(tx, team_id, run.case_id) if run and run.case_id else None
        if run is None or case is None:
            raise RunLost
        labels = tuple(LabelRef(label.value, label.key) for label in case.labels)
        held = HeldCase(case.id, case.queue_id, case.title, case.data, case.priority, labels, case.created_at)
        return pull.pulled(tx, RunMessage(run.id, attempt), held)
