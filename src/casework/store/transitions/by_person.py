"""A person answers a request, or overrides what runs are doing to cases."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from casework.core.lifecycle import LIFECYCLE, Actor, CaseStatus, Detail, Event, Lifecycle, Transition
from casework.core.model import CaseId
from casework.errors import TransitionRefused
from casework.store.database import NOW, Tx
from casework.store.transitions.clauses import change_to, guard, sets_of_case
from casework.wording import counted

_move = partial(LIFECYCLE.transition, by=(Actor.PERSON,))

_ANSWER = _move(Event.ANSWER)

_ANSWER_SQL = f"""
with moved as (
  update cases c set {sets_of_case(LIFECYCLE, _ANSWER)}
  where id = %(case_id)s and human_request_id = %(request_id)s and {guard(_ANSWER)}
  returning id, run_id, run_agent_id
)
insert into case_events (case_id, type, created_at, run_id, agent_id, human_request_id, changes, by_key, by_person)
select id, '{_ANSWER.records}', {NOW}, run_id, run_agent_id, %(answered)s::uuid, %(changes)s::json, %(by_key)s, %(by_person)s
from moved
"""


def answer(tx: Tx, case_id: CaseId, waits_as: UUID, answered: UUID, changes: str) -> bool:
    """The last open request that the case waits for was answered: its run goes on before anything new is begun.

    `waits_as` is the request that the case names, the first of its group; `changes` is JSON.
    """
    values = {"case_id": case_id, "request_id": waits_as, "answered": answered, "changes": changes}
    return tx.sql(_ANSWER_SQL, values).rowcount == 1


# Those that an earlier retry kept, if no run has got them since; else those of the last run.
_KEPT = """case when %(keep_steps)s then coalesce(
    c.steps_of_run, (select l.id from runs l where l.case_id = c.id order by l.id desc limit 1))
  when %(keep_steps)s::boolean is null then c.steps_of_run end"""

_SAYS_KEPT = "case when %(keep_steps)s then " + change_to(steps="'kept'::text") + " end"


def override_sql(lifecycle: Lifecycle, move: Transition) -> str:
    """A person takes cases from their runs. Returns a row for each case that moved."""
    assert move.target is not None
    besides, column, value = {"ready_at": "w.ready_at"}, "", ""
    if lifecycle.state(move.target).lanes:
        besides["claimed_at"] = "null"
    if move.event is Event.RETRY:
        besides["steps_of_run"] = _KEPT
        column, value = ", changes", f", {_SAYS_KEPT}"
    if Detail.POSTPONED_TO in lifecycle.state(move.target).details:
        besides["postponed_to"] = "%(until)s::timestamptz"
        column, value = ", changes", f", {change_to(postponed_to=besides['postponed_to'])}"
    return f"""
with moved as (
  update cases c set {sets_of_case(lifecycle, move, **besides)}
  from unnest(%(cases)s::uuid[], %(ready)s::timestamptz[], %(old_runs)s::uuid[]) as w (id, ready_at, old_run)
  where c.id = w.id and {guard(move)}
  returning c.id, w.old_run
)
insert into case_events (case_id, type, reason, created_at, run_id, agent_id{column})
select id, '{move.records}', %(reason)s, {NOW}, old_run, %(agent_id)s::uuid{value} from moved
"""


_OVERRIDE = {(move.event, move.target): override_sql(LIFECYCLE, move) for move in LIFECYCLE.overrides(Actor.PERSON)}


def override(
    tx: Tx,
    event: Event,
    target: CaseStatus,
    cases: Sequence[tuple[UUID, datetime, UUID | None]],
    *,
    agent_id: UUID | None = None,
    reason: str | None = None,
    until: datetime | None = None,
    keep_steps: bool | None = None,
) -> None:
    """Take locked cases, given as (id, ready at, former run), from their runs; `until` is for a move that postpones, and
    `keep_steps` for a retry; with None it leaves to a run what an earlier retry kept for it.

    Raises TransitionRefused unless all of them move. A caller that has locked them and asked the lifecycle never meets it.
    """
    moved = tx.sql(
        _OVERRIDE[event, target],
        {
            "cases": [case[0] for case in cases],
            "ready": [case[1] for case in cases],
            "old_runs": [case[2] for case in cases],
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
