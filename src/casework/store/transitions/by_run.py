"""A run starts, and its outcome moves its case; so does the sweep, in the name of a run that cannot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from casework.core.lifecycle import START_SOURCE, CaseStatus, Event, transition
from casework.core.model import AgentId, RunId, RunMessage
from casework.store.database import NOW, Tx
from casework.store.tables import listed
from casework.store.transitions.fence import Fence

# A statement is about the one run that its parameters name, or about several in arrays, whose rows it locks first: by ids,
# as everybody does. `is true` keeps the planner from looking for a status in an index: a worker keeps its plan, and there
# may be many more cases with that status than when it was made.
_THIS_RUN = "(values (%(run_id)s::uuid, %(attempt)s::int)) as g (run_id, attempt)"
_THESE_RUNS = """(
  select u.* from unnest(%(run_ids)b::uuid[], %(attempts)s::int[]) as u (run_id, attempt) join runs l on l.id = u.run_id
  order by l.id for no key update of l
) as g"""
_THIS = "(values (%(case_id)s::uuid, %(run_id)s::uuid, %(attempt)s::int, %(reason)s::text)) as g (case_id, run_id, attempt, reason)"
_THESE = """(
    select u.*
    from unnest(%(case_ids)b::uuid[], %(run_ids)b::uuid[], %(attempts)s::int[], %(reasons)b::text[], %(begun)b::float[], %(ended)b::float[])
      as u (case_id, run_id, attempt, reason, begun, ended) join cases l on l.id = u.case_id
    order by l.id for no key update of l
  ) as g"""
_THEIR_RUNS = "(select o.* from moved o join runs l on l.id = o.run_id order by l.id for no key update of l) as m"


def _start_sql(given: str) -> str:
    """A message that comes twice, or after the run was interrupted, finds no pending run with its attempt."""
    return f"""
update runs r
set status = 'running', started_at = coalesce(r.started_at, {NOW}), alive_at = {NOW}, worker = %(worker)s
from {given}, cases c, agents a
where r.id = g.run_id and r.attempt = g.attempt and r.status = '{START_SOURCE}' and c.id = r.case_id and a.id = r.agent_id
returning r.id as run_id, r.attempt, r.failures, r.asked_wait_seconds, r.queue_id, c.id as case_id, c.title, c.data, c.priority, c.created_at,
  a.id as agent_id, a.name as agent_name, a.kind, a.target, a.max_attempts, a.timeout_seconds, a.team_id,
  exists (select from consumers w where w.queue_id = r.queue_id and w.agent_id = r.agent_id and w.concurrency is not null) as limited,
  (select json_agg(json_build_array(l.key, l.value) order by l.key, l.value)
   from case_labels cl join labels l on l.id = cl.label_id where cl.case_id = c.id) as labels
"""


_START, _START_ALL = _start_sql(_THIS_RUN), _start_sql(_THESE_RUNS)


def start(tx: Tx, message: RunMessage, worker: str) -> Any | None:
    """Make a pending run running, and return it with its case and agent; None where it is not to be started."""
    return tx.sql(_START, _to_start(message, worker)).one_or_none()


def _to_start(message: RunMessage, worker: str) -> dict[str, Any]:
    return {"run_id": message.run_id, "attempt": message.attempt, "worker": worker}


def start_all(tx: Tx, messages: Sequence[RunMessage], worker: str) -> list[Any]:
    """Start several runs, and return those that were to be started, in any order."""
    return tx.sql(
        _START_ALL,
        {
            "run_ids": [message.run_id for message in messages],
            "attempts": [message.attempt for message in messages],
            "worker": worker,
        },
    ).all()


def _outcome_sql(
    event: Event,
    target: CaseStatus,
    case_sets: str,
    run_sets: str,
    reason: str = "e.reason",
    given: str = _THIS,
    moved: str = "moved as m",
) -> str:
    """A run's outcome; returns a row for each run whose fence held."""
    arrow = transition(event, target)
    return f"""
with moved as (
  update cases c set status = '{arrow.target}', updated_at = {NOW}, {case_sets}
  from {given}
  where c.id = g.case_id and c.run_id = g.run_id and c.attempt = g.attempt and (c.status in ({listed(arrow.sources)})) is true
  returning g.*
), ended as (
  update runs r set status = '{arrow.run}', reason = m.reason, {run_sets}
  from {moved} where r.id = m.run_id
  returning m.case_id, m.run_id, m.attempt, m.reason, r.agent_id
), logged as (
  insert into case_events (case_id, type, reason, created_at, run_id, agent_id, human_request_id)
  select e.case_id, '{arrow.records}', {reason}, {NOW}, e.run_id, e.agent_id, %(request_id)s::uuid from ended e
)
select run_id, attempt from ended
"""


_FREE = "run_id = null, run_agent_id = null"
_DONE = f"{_FREE}, completed_at = {NOW}"
_ENDED = f"completed_at = {NOW}, outcome = %(outcome)s"
_ENDED_AGO = f"completed_at = {NOW} - make_interval(secs => %(seconds)s), outcome = %(outcome)s"
# A request to release ends with the attempt that it was made to: the next one is another worker's.
_WAITS = "alive_at = null, stop_requested_at = null, stop_deadline = null, stop_releases = false"
_FAILED_ATTEMPT = "failures = failures + 1, error = %(error)s"
_LATER = f"{NOW} + make_interval(secs => %(seconds)s)"
_MOMENT = f"coalesce(%(until)s::timestamptz, {_LATER})"

# Of runs that end together, each began and ended so many seconds ago.
_EACH_ENDED_AGO = f"""outcome = %(outcome)s,
    started_at = {NOW} - make_interval(secs => m.begun), completed_at = {NOW} - make_interval(secs => m.ended)"""

_COMPLETE = _outcome_sql(Event.COMPLETE, CaseStatus.COMPLETED, _DONE, _ENDED_AGO)
_COMPLETE_ALL = _outcome_sql(
    Event.COMPLETE, CaseStatus.COMPLETED, _DONE, _EACH_ENDED_AGO, given=_THESE, moved=_THEIR_RUNS
)
_FAIL = _outcome_sql(Event.FAIL, CaseStatus.FAILED, _DONE, f"{_ENDED}, error = %(error)s")
_POSTPONE = _outcome_sql(
    Event.POSTPONE, CaseStatus.POSTPONED, f"{_FREE}, ready_at = {_MOMENT}, postponed_to = {_MOMENT}", _ENDED
)
_HAND_OVER = _outcome_sql(
    Event.HAND_OVER,
    CaseStatus.PENDING,
    f"{_FREE}, assigned_agent_id = %(agent_id)s, handed_over = true, ready_at = {NOW}",
    _ENDED,
)
_ASK = _outcome_sql(
    Event.ASK, CaseStatus.NEEDS_INPUT, "human_request_id = %(request_id)s", _WAITS, reason="%(title)s::text"
)
_TRY_AGAIN = _outcome_sql(
    Event.ATTEMPT_FAILED, CaseStatus.PENDING, f"ready_at = {_LATER}", f"{_WAITS}, {_FAILED_ATTEMPT}"
)
_WAIT_AS_ASKED = _outcome_sql(
    Event.ATTEMPT_FAILED,
    CaseStatus.PENDING,
    f"ready_at = {_LATER}",
    f"{_WAITS}, error = %(error)s, asked_wait_seconds = asked_wait_seconds + %(seconds)s",
)
_GIVE_UP = _outcome_sql(Event.ATTEMPT_FAILED, CaseStatus.FAILED, _DONE, f"{_ENDED}, {_FAILED_ATTEMPT}")
_RELEASE = _outcome_sql(
    Event.RELEASE,
    CaseStatus.PENDING,
    f"ready_at = {NOW}",
    _WAITS,
)


def _bound(fence: Fence, **values: Any) -> dict[str, Any]:
    defaults = {"reason": None, "request_id": None, "outcome": None, "error": None, "until": None, "seconds": 0.0}
    return {**defaults, **values, **fence.parameters()}


def _settle(tx: Tx, statement: str, fence: Fence, **values: Any) -> bool:
    return tx.sql(statement, _bound(fence, **values)).rowcount == 1


def complete(tx: Tx, fence: Fence, reason: str | None, ended: float = 0.0) -> bool:
    """The run did the work, and ended so many seconds ago. Returns False, as all outcomes do, where the run no longer holds
    its case."""
    return _settle(tx, _COMPLETE, fence, reason=reason, outcome="completed", seconds=ended)


@dataclass(frozen=True, slots=True)
class Completion:
    """A run that did the work, and how many seconds ago it began and ended."""

    fence: Fence
    reason: str | None
    begun: float
    ended: float


def complete_all(tx: Tx, done: Sequence[Completion]) -> set[RunMessage]:
    """Several runs did the work. Each is fenced by itself, and the attempts that held their case are returned."""
    rows = tx.sql(
        _COMPLETE_ALL,
        {
            "case_ids": [one.fence.case_id for one in done],
            "run_ids": [one.fence.run_id for one in done],
            "attempts": [one.fence.attempt for one in done],
            "reasons": [one.reason for one in done],
            "begun": [one.begun for one in done],
            "ended": [one.ended for one in done],
            "outcome": "completed",
            "request_id": None,
        },
    )
    return {RunMessage(RunId(row.run_id), row.attempt) for row in rows}


def complete_and_start(
    tx: Tx, fence: Fence, reason: str | None, ended: float, message: RunMessage, worker: str
) -> tuple[bool, Any | None]:
    """A run did the work, so many seconds ago, and the next one starts: as `complete` and `start`, in one round trip.

    The next one's id is the larger one, because runs are locked in the order of their ids.
    """
    assert fence.run_id < message.run_id
    completed, started = tx.together(
        (_COMPLETE, _bound(fence, reason=reason, outcome="completed", seconds=ended)),
        (_START, _to_start(message, worker)),
    )
    return completed.rowcount == 1, started.one_or_none()


def fail(tx: Tx, fence: Fence, reason: str, error: str | None) -> bool:
    """The run says that the case cannot be done; `error` is a traceback."""
    return _settle(tx, _FAIL, fence, reason=reason, error=error, outcome="failed")


def postpone(tx: Tx, fence: Fence, until: datetime | timedelta, reason: str | None) -> bool:
    """The case comes back at that moment, or after that time by the database's clock."""
    moment = {"seconds": until.total_seconds()} if isinstance(until, timedelta) else {"until": until}
    return _settle(tx, _POSTPONE, fence, reason=reason, outcome="postponed", **moment)


def hand_over(tx: Tx, fence: Fence, agent_id: AgentId, reason: str | None) -> bool:
    """The case goes to that agent."""
    return _settle(tx, _HAND_OVER, fence, reason=reason, outcome="handed_over", agent_id=agent_id)


def ask(tx: Tx, fence: Fence, request_id: UUID, title: str) -> bool:
    """The run waits for a person and gives its slot back."""
    return _settle(tx, _ASK, fence, request_id=request_id, title=title)


def try_again(tx: Tx, fence: Fence, seconds: float, reason: str, error: str | None) -> bool:
    """The attempt failed; the same run goes on after that many seconds."""
    return _settle(tx, _TRY_AGAIN, fence, seconds=seconds, reason=reason, error=error)


def wait_as_asked(tx: Tx, fence: Fence, seconds: float, reason: str, error: str | None) -> bool:
    """The attempt failed because another service asked to wait; the same run goes on then, and no attempt is counted."""
    return _settle(tx, _WAIT_AS_ASKED, fence, seconds=seconds, reason=reason, error=error)


def give_up(tx: Tx, fence: Fence, reason: str, error: str | None) -> bool:
    """The last attempt failed."""
    return _settle(tx, _GIVE_UP, fence, reason=reason, error=error, outcome="failed")


def release(tx: Tx, fence: Fence, reason: str) -> bool:
    """The worker gives the run back; another worker goes on with it at once, and no attempt is counted."""
    return _settle(tx, _RELEASE, fence, reason=reason)
