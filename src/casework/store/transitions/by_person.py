"""A person overrides what runs are doing to cases."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from casework.core.lifecycle import LIFECYCLE, Actor, CaseStatus, Detail, Event, Lifecycle, Transition
from casework.errors import TransitionRefused
from casework.store.database import NOW, Tx
from casework.store.transitions.clauses import guard, sets_of_case
from casework.wording import counted

# Those that an earlier retry kept, if no run has got them since; else those of the last run.
_KEPT = """case when %(keep_steps)s then coalesce(
    c.steps_of_run, (select l.id from runs l where l.case_id = c.id order by l.id desc limit 1))
  when %(keep_steps)s::boolean is null then c.steps_of_run end"""


def override_sql(lifecycle: Lifecycle, move: Transition) -> str:
    """A person takes cases from their runs. Returns a row for each case that moved."""
    assert move.target is not None
    besides = {"ready_at": "w.ready_at", "parked": "false"}
    if lifecycle.state(move.target).lanes:
        besides["claimed_at"] = "null"
    if move.event is Event.RETRY:
        besides["steps_of_run"] = _KEPT
    if Detail.POSTPONED_TO in lifecycle.state(move.target).details:
        besides["postponed_to"] = "%(until)s::timestamptz"
    return f"""
with moved as (
  update cases c set {sets_of_case(lifecycle, move, **besides)}
  from unnest(%(cases)s::uuid[], %(ready)s::timestamptz[], %(old_runs)s::uuid[], %(changes)b::text[]) as w (id, ready_at, old_run, changes)
  where c.id = w.id and {guard(move)}
  returning c.id, w.old_run, w.changes
)
insert into case_events (case_id, type, reason, created_at, run_id, agent_id, changes, by_key, by_person)
select id, '{move.records}', %(reason)s, {NOW}, old_run, %(agent_id)s::uuid, changes::json, %(by_key)s, %(by_person)s from moved
"""


_OVERRIDE = {(move.event, move.target): override_sql(LIFECYCLE, move) for move in LIFECYCLE.overrides(Actor.PERSON)}


@dataclass(frozen=True, slots=True)
class Overridden:
    """A locked case that a person takes from its run; `changes` are for its history."""

    id: UUID
    ready_at: datetime
    former_run: UUID | None
    changes: Sequence[Mapping[str, Any]]


def override(
    tx: Tx,
    event: Event,
    target: CaseStatus,
    cases: Sequence[Overridden],
    *,
    agent_id: UUID | None = None,
    reason: str | None = None,
    until: datetime | None = None,
    keep_steps: bool | None = None,
) -> None:
    """Take locked cases from their runs; `until` is for a move that postpones, and
    `keep_steps` for a retry; with None it leaves to a run what an earlier retry kept for it.

    Raises TransitionRefused unless all of them move. A caller that has locked them and asked the lifecycle never meets it.
    """
    moved = tx.sql(
        _OVERRIDE[event, target],
        {
            "cases": [case.id for case in cases],
            "ready": [case.ready_at for case in cases],
            "old_runs": [case.former_run for case in cases],
            "changes": [json.dumps(case.changes) for case in cases],
            "agent_id": agent_id,
            "reason": reason,
            "until": until,
            "keep_steps": keep_steps,
        },
    ).rowcount
    if moved != len(cases):
        raise TransitionRefused(
            f"{len(cases) - moved} of {counted(len(cases), 'case')} changed or disappeared meanwhile; {LIFECYCLE.demand(event, target)}."
        )
