"""The holder of a case: the same for runs that workers execute and for runs of agents elsewhere."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from casework.agents import HeldCase
from casework.core.model import AgentId, CaseId, LabelRef, Priority, QueueId, RunId, TeamId
from casework.core.requests import Answered
from casework.core.steps import Step
from casework.settings import Settings
from casework.store import messages, requests
from casework.store.database import Tx
from casework.store.transitions import Fence


class Holder(NamedTuple):
    """The attempt that holds a case, and what its outcome depends on. A named tuple as its fence."""

    fence: Fence
    queue_id: QueueId
    team_id: TeamId
    agent_id: AgentId
    failures: int
    max_attempts: int
    asked_wait_seconds: float = 0.0
    """Seconds that the run has waited because services asked it to."""


def holder(row: Any, settings: Settings) -> Holder:
    """The holder, made from the row that the start of a run returned."""
    return Holder(
        fence=Fence(CaseId(row.case_id), RunId(row.run_id), row.attempt),
        queue_id=QueueId(row.queue_id),
        team_id=TeamId(row.team_id),
        agent_id=AgentId(row.agent_id),
        failures=row.failures,
        max_attempts=row.max_attempts or settings.max_attempts,
        asked_wait_seconds=row.asked_wait_seconds,
    )


def held_case(row: Any) -> HeldCase:
    """The case, made from the row that the start of its run returned."""
    return HeldCase(
        id=CaseId(row.case_id),
        queue_id=QueueId(row.queue_id),
        title=row.title,
        data=row.data,
        priority=Priority.of_rank(row.priority),
        labels=tuple([LabelRef(value, key) for key, value in row.labels or ()]),
        created_at=row.created_at,
    )


def recorded(tx: Tx, run_id: RunId) -> tuple[list[Answered], Mapping[str, Step]]:
    """What a run was answered, and the steps that it has done, in all of its attempts."""
    asked = requests.of_run(tx, run_id)
    return [request.answered() for request in asked if request.responded_at], messages.steps_of(tx, run_id)
