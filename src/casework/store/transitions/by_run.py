"""A run starts, and its outcome moves its case; a run that was asked to stop stops.

The sweep writes the same in the name of a run whose worker cannot.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from casework.core.effects import RunMessage
from casework.core.lifecycle import (
    LIFECYCLE,
    START_SOURCE,
    Actor,
    CaseStatus,
    Event,
    EventType,
    Lifecycle,
    RunStatus,
    Transition,
)
from casework.core.model import AgentId, RunId
from casework.store.database import NOW, Tx
from casework.store.literals import NEXT_EVENT
from casework.store.transitions.clauses import Expressions, change_to, ended_late, guard, sets_of_case, sets_of_run
from casework.store.transitions.fence import Fence

_NOTHING: Expressions = MappingProxyType({})

# The run's row says it with its outcome and its reason; the view `case_history` reads it there.
_ON_THE_RUN = {EventType.COMPLETED}

# A statement is about the one run that its parameters name, or about several in arrays. Their rows are locked as they are updated,
# and by ids, as everybody does it: the connections of workers join by nested loops only, which keep the order of a sorted list.
# To lock them beforehand wrote 54 bytes of WAL for each row.
_THIS_RUN = "(values (%(run_id)s::uuid, %(attempt)s::int)) as g (run_id, attempt)"
_THESE_RUNS = (
    "(select * from unnest(%(run_ids)b::uuid[], %(attempts)b::int[]) as u (run_id, attempt) order by run_id) as g"
)
# Whatever it gives, it is counted, so that the run that ended is locked before the one that starts.
_THE_NEXT_RUN = "(values (%(next_run_id)s::uuid, %(next_attempt)s::int)) as g (run_id, attempt), (select count(*) from ended) as before"
_THIS = "(values (%(case_id)s::uuid, %(run_id)s::uuid, %(attempt)s::int, %(reason)s::text)) as g (case_id, run_id, attempt, reason)"
_THESE = """(
    select * from unnest(%(case_ids)b::uuid[], %(run_ids)b::uuid[], %(attempts)b::int[], %(reasons)b::text[], %(begun)b::float[], %(ended)b::float[])
      as u (case_id, run_id, attempt, reason, begun, ended)
    order by case_id
  ) as g"""
_THEIR_RUNS = "(select * from moved order by run_id) as m"


def _start_sql(those: str) -> str:
    """A message that comes twice, or after the run was interrupted, finds no pending run with its attempt. The run's case and agent are
    not looked up here: a plan that was made for tiny tables could begin with them, and lock several runs in the order of their cases."""
    return f"""
update runs r
set status = '{RunStatus.RUNNING}', started_at = coalesce(r.started_at, {NOW}), attempt_started_at = {NOW},
  last_heartbeat_at = {NOW}, worker = %(worker)s
from {those}
where r.id = g.run_id and r.attempt = g.attempt and r.status = '{START_SOURCE}' and r.case_id is not null
returning r.id as run_id, r.case_id, r.queue_id, r.agent_id, r.attempt, r.failures, r.asked_wait_seconds
"""


# Labels are looked for before they are sorted, because most cases have none.
_STARTED = """
select b.*, c.title, c.data, c.priority, c.created_at, a.name as agent_name, a.kind, a.target, a.max_attempts, a.team_id,
  c.steps_of_run is not null as keeps_steps,
  exists (select from consumers w where w.queue_id = b.queue_id and w.agent_id = b.agent_id and (w.concurrency is not null or w.limited)) as limited,
  case when exists (select from case_labels cl where cl.case_id = c.id) then array(
    select array[l.key, l.value] from case_labels cl join labels l on l.id = cl.label_id where cl.case_id = c.id order by l.key, l.value
  ) end as labels
from begun b join cases c on c.id = b.case_id join agents a on a.id = b.agent_id
"""


START, START_ALL = (f"with begun as ({_start_sql(those)}){_STARTED}" for those in (_THIS_RUN, _THESE_RUNS))


def start(tx: Tx, message: RunMessage, worker: str) -> Any | None:
    """Make a pending run running, and return it with its case and agent; None if it must not start."""
    return tx.sql(START, _to_start(message, worker)).one_or_none()


def _to_start(message: RunMessage, worker: str) -> dict[str, Any]:
    return {"run_id": message.run_id, "attempt": message.attempt, "worker": worker}


def start_all(tx: Tx, messages: Sequence[RunMessage], worker: str) -> list[Any]:
    """Start several runs, and return those that started, in any order."""
    return tx.sql(
        START_ALL,
        {
            "run_ids": [message.run_id for message in messages],
            "attempts": [message.attempt for message in messages],
            "worker": worker,
        },
    ).all()


def outcome_sql(
    lifecycle: Lifecycle,
    move: Transition,
    *,
    case: Expressions = _NOTHING,
    run: Expressions = _NOTHING,
    reason: str = "e.reason",
    those: str = _THIS,
    moved: str = "moved as m",
    changes: str = "",
    then: str = "\nselect run_id, attempt from ended",
) -> str:
    """A run's outcome; returns a row for each run whose fence held. `case` and `run` are what the move sets besides, and
    `changes` what the line of history says of it."""
    column, value = (", changes", f", {changes}") if changes else ("", "")
    on_the_run = {"completed_event": NEXT_EVENT} if move.records in _ON_THE_RUN else {}
    logged = f""", logged as (
  insert into case_events (case_id, type, reason, created_at, run_id, agent_id, human_request_id{column})
  select e.case_id, '{move.records}', {reason}, {NOW}, e.run_id, e.agent_id, %(request_id)s::uuid{value} from ended e
)"""
    return f"""
with moved as (
  update cases c set {sets_of_case(lifecycle, move, **case)}
  from {those}
  where c.id = g.case_id and c.run_id = g.run_id and c.attempt = g.attempt and {guard(move)}
  returning g.*
), ended as (
  update runs r set {sets_of_run(lifecycle, move, **{"reason": "m.reason", **on_the_run, **run})}
  from {moved} where r.id = m.run_id
  returning m.case_id, m.run_id, m.attempt, m.reason, r.agent_id
){"" if on_the_run else logged}{then}
"""


_LATER = f"{NOW} + make_interval(secs => %(seconds)s)"
_MOMENT = f"coalesce(%(until)s::timestamptz, {_LATER})"
_ERROR = {"error": "%(error)s"}
_FAILED_ATTEMPT = {"failures": "failures + 1", **_ERROR}

_ENDED_AGO = {"completed_at": f"{NOW} - make_interval(secs => %(seconds)s)"}

# Of runs that end together, each began and ended so many seconds ago.
_EACH_ENDED_AGO = {
    "started_at": f"{NOW} - make_interval(secs => m.begun)",
    "completed_at": f"{NOW} - make_interval(secs => m.ended)",
}

_move = partial(LIFECYCLE.transition, by=(Actor.RUN,))
_swept = partial(LIFECYCLE.transition, by=(Actor.RUN, Actor.SWEEP))
_outcome = partial(outcome_sql, LIFECYCLE)

COMPLETE = _outcome(_move(Event.COMPLETE), run=_ENDED_AGO)
COMPLETE_AND_START = _outcome(
    _move(Event.COMPLETE),
    run=_ENDED_AGO,
    then=f""", begun as ({_start_sql(_THE_NEXT_RUN)})
select exists (select from ended) as held, s.* from (values (1)) as always left join ({_STARTED}) s on true""",
)
# Mostly all hold their cases, and a hundred rows that say so take longer to send and to read than a number.
COMPLETE_ALL = _outcome(
    _move(Event.COMPLETE),
    run=_EACH_ENDED_AGO,
    those=_THESE,
    moved=_THEIR_RUNS,
    then="\nselect case when count(*) < %(count)s then coalesce(array_agg(run_id), '{}') end as held from ended",
)
_FAIL = _outcome(_move(Event.FAIL), run=_ERROR)
_POSTPONE = _outcome(
    _move(Event.POSTPONE), case={"ready_at": _MOMENT, "postponed_to": _MOMENT}, changes=change_to(postponed_to=_MOMENT)
)
_HAND_OVER = _outcome(_move(Event.HAND_OVER), changes=change_to(assigned_agent_id="%(agent_id)s::uuid"))
_ASK = _outcome(_move(Event.ASK), case={"human_request_id": "%(request_id)s"}, reason="%(title)s::text")
_TRY_AGAIN = _outcome(_swept(Event.ATTEMPT_FAILED, CaseStatus.PENDING), case={"ready_at": _LATER}, run=_FAILED_ATTEMPT)
_WAIT_AS_ASKED = _outcome(
    _move(Event.ATTEMPT_FAILED, CaseStatus.PENDING),
    case={"ready_at": _LATER},
    run={**_ERROR, "asked_wait_seconds": "asked_wait_seconds + %(seconds)s"},
)
_GIVE_UP = _outcome(_swept(Event.ATTEMPT_FAILED, CaseStatus.FAILED), run=_FAILED_ATTEMPT)
_RELEASE = _outcome(LIFECYCLE.transition(Event.RELEASE, by=(Actor.WORKER, Actor.SWEEP)))


def _bound(fence: Fence, **values: Any) -> dict[str, Any]:
    defaults = {"reason": None, "request_id": None, "error": None, "until": None, "seconds": 0.0}
    return {**defaults, **values, **fence.parameters()}


def _write(tx: Tx, statement: str, fence: Fence, **values: Any) -> bool:
    return tx.sql(statement, _bound(fence, **values)).rowcount == 1


def complete(tx: Tx, fence: Fence, reason: str | None, ended: float = 0.0) -> bool:
    """The run did the work, and ended so many seconds ago.

    Returns False, as all outcomes do, if the run no longer holds its case.
    """
    return _write(tx, COMPLETE, fence, reason=reason, seconds=ended)


class Completion(NamedTuple):
    """A run that did the work, and how many seconds ago it began and ended. A named tuple as its fence."""

    fence: Fence
    reason: str | None
    begun: float
    ended: float


def complete_all(tx: Tx, done: Sequence[Completion]) -> Collection[RunId] | None:
    """Several runs did the work. Each is fenced by itself. Returns those that held their case, or None if all did."""
    reasons = [one.reason for one in done]
    held: list[RunId] | None = tx.sql(
        COMPLETE_ALL,
        {
            "case_ids": [one.fence.case_id for one in done],
            "run_ids": [one.fence.run_id for one in done],
            "attempts": [one.fence.attempt for one in done],
            "reasons": reasons if reasons.count(None) < len(reasons) else None,
            "begun": [one.begun for one in done],
            "ended": [one.ended for one in done],
            "count": len(done),
        },
    ).scalar_one()
    return held


def complete_and_start(
    tx: Tx, fence: Fence, reason: str | None, ended: float, message: RunMessage, worker: str
) -> tuple[bool, Any | None]:
    """A run did the work, so many seconds ago, and the next one starts: as `complete` and `start`, in one statement.

    The next one's id is the larger one, because runs are locked in the order of their ids.
    """
    assert fence.run_id < message.run_id
    following = {"next_run_id": message.run_id, "next_attempt": message.attempt, "worker": worker}
    row = tx.sql(COMPLETE_AND_START, {**_bound(fence, reason=reason, seconds=ended), **following}).one()
    return row.held, row if row.run_id else None


def fail(tx: Tx, fence: Fence, reason: str, error: str | None) -> bool:
    """The run says that the case cannot be done; `error` is a traceback."""
    return _write(tx, _FAIL, fence, reason=reason, error=error)


def postpone(tx: Tx, fence: Fence, until: datetime | timedelta, reason: str | None) -> bool:
    """The case comes back at that moment, or after that time by the database's clock."""
    moment = {"seconds": until.total_seconds()} if isinstance(until, timedelta) else {"until": until}
    return _write(tx, _POSTPONE, fence, reason=reason, **moment)


def hand_over(tx: Tx, fence: Fence, agent_id: AgentId, reason: str | None) -> bool:
    """The case goes to that agent."""
    return _write(tx, _HAND_OVER, fence, reason=reason, agent_id=agent_id)


def ask(tx: Tx, fence: Fence, request_id: UUID, title: str) -> bool:
    """The run waits for a person and gives its slot back."""
    return _write(tx, _ASK, fence, request_id=request_id, title=title)


def try_again(tx: Tx, fence: Fence, seconds: float, reason: str, error: str | None) -> bool:
    """The attempt failed; the same run goes on after that many seconds."""
    return _write(tx, _TRY_AGAIN, fence, seconds=seconds, reason=reason, error=error)


def wait_as_asked(tx: Tx, fence: Fence, seconds: float, reason: str, error: str | None) -> bool:
    """The attempt failed because another service asked to wait; the same run goes on then, and no attempt is counted."""
    return _write(tx, _WAIT_AS_ASKED, fence, seconds=seconds, reason=reason, error=error)


def give_up(tx: Tx, fence: Fence, reason: str, error: str | None) -> bool:
    """The last attempt failed."""
    return _write(tx, _GIVE_UP, fence, reason=reason, error=error)


def release(tx: Tx, fence: Fence, reason: str) -> bool:
    """The worker gives the run back; another worker goes on with it at once, and no attempt is counted."""
    return _write(tx, _RELEASE, fence, reason=reason)


# The stop brings the case forward: it waited for this, or for the end of the grace. A postponed one waits on.
STOPPED = f"""
with locked as (
  select c.id from cases c where c.id = (select case_id from runs where id = %(run_id)s) for no key update
), asked as (
  select r.id, r.stop_deadline from runs r, (select max(id::text) from locked) l where r.id = %(run_id)s for no key update of r
), stopped as (
  update runs r set status = '{RunStatus.INTERRUPTED}', completed_at = {NOW}, ended_late_at = {ended_late(NOW)}, stop_deadline = null
  from asked a
  where r.id = a.id and r.attempt = %(attempt)s and r.status = '{RunStatus.RUNNING}'
    and r.stop_requested_at is not null and not r.release_on_stop
    and (%(silence)s::interval is null or r.last_heartbeat_at <= {NOW} - %(silence)s)
  returning r.id, r.case_id, r.agent_id, a.stop_deadline
), freed as (
  update cases c set ready_at = greatest({NOW}, c.postponed_to) from stopped s
  where c.id = s.case_id and c.run_id is null and c.ready_at = s.stop_deadline
), logged as (
  insert into case_events (case_id, type, reason, created_at, run_id, agent_id)
  select case_id, '{EventType.INTERRUPTED}', %(reason)s, {NOW}, id, agent_id from stopped where case_id is not null
)
select id from stopped
"""


def stopped(tx: Tx, run_id: RunId, attempt: int, reason: str, *, silence: timedelta | None = None) -> bool:
    """The run that was asked to stop has stopped, or is fenced out because its time is over.

    With `silence`, only if its worker has been silent for that long: a heartbeat that came meanwhile saves it.
    """
    values = {"run_id": run_id, "attempt": attempt, "reason": reason, "silence": silence}
    return tx.sql(STOPPED, values).one_or_none() is not None
