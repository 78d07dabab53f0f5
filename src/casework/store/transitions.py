"""The only place that writes a status, of a case or of a run.

Every statement takes its source and target statuses from the lifecycle's table. A run's own writes are fenced: the
case row carries the token (run id, attempt) of the attempt that holds it, and the same statement that checks the token
moves the status, so that a late write of an older attempt finds no row. Each move writes its line of history in the
same statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from casework.core.lifecycle import START_SOURCE, CaseStatus, Event, EventType, RunStatus, transition
from casework.core.model import AgentId, CaseId, RunId, RunMessage
from casework.core.plan import Pick
from casework.store.database import NOW, Tx
from casework.store.ids import new_ids
from casework.store.tables import ANYONE, listed


@dataclass(frozen=True, slots=True)
class Fence:
    """Who writes: this attempt of this run, on this case."""

    case_id: CaseId
    run_id: RunId
    attempt: int

    def parameters(self) -> dict[str, Any]:
        """The fence as statement parameters."""
        return {"case_id": self.case_id, "run_id": self.run_id, "attempt": self.attempt}


_CLAIM, _RESUME = transition(Event.CLAIM), transition(Event.RESUME)

# One statement: lock what is still free, bind it, create or resume the runs, write the history. SKIP LOCKED leaves a
# case that a person is at to the next tick, and means that a claim never waits while it holds locks. The row is locked
# before it is updated, because an UPDATE of the picked ids would wait for such a person in an order of its own. A case
# whose former run has not stopped yet is left alone: the sweep ends that run when its grace is over.
_CLAIM_SQL = f"""
with pick as (
  select * from unnest(%(cases)s::uuid[], %(agents)s::uuid[], %(runs)s::uuid[]) with ordinality as p (case_id, agent_id, new_run_id, position)
), held as (
  select p.position, c.id, c.queue_id, p.agent_id, c.run_id is not null as resumed, coalesce(c.run_id, p.new_run_id) as run_id,
         case when c.run_id is null then 1 else c.attempt + 1 end as attempt, c.handed_over
  from pick p join cases c on c.id = p.case_id
  where c.status in ({listed(_CLAIM.sources | _RESUME.sources)}) and c.lane is not null and c.ready_at <= %(now)s
    and c.claim_for in (p.agent_id, '{ANYONE}')
    and not exists (select from runs r where r.case_id = c.id and r.live and r.id is distinct from c.run_id)
  for no key update of c skip locked
), claimed as (
  update cases c
  set status = '{_CLAIM.target}', run_id = h.run_id, run_agent_id = h.agent_id, attempt = h.attempt, claimed_at = %(now)s,
      postponed_to = null, handed_over = false, updated_at = %(now)s
  from held h where c.id = h.id
  returning c.id
), resumed as (
  update runs r set status = '{_RESUME.run}', attempt = h.attempt, claimed_at = %(now)s, sent_at = %(now)s, sends = 1
  from held h where h.resumed and r.id = h.run_id
  returning r.id
), created as (
  insert into runs (id, case_id, queue_id, agent_id, status, attempt, created_at, claimed_at, sent_at)
  select h.run_id, h.id, h.queue_id, h.agent_id, '{_CLAIM.run}', h.attempt, %(now)s, %(now)s, %(now)s
  from held h where not h.resumed
  returning id
), logged as (
  insert into case_events (case_id, type, created_at, run_id, agent_id)
  select h.id, case when h.resumed then '{_RESUME.records}' when h.handed_over then '{EventType.HANDOVER}' else '{_CLAIM.records}' end,
         %(now)s, h.run_id, h.agent_id
  from held h
)
select h.run_id, h.attempt, h.agent_id from held h join claimed c on c.id = h.id order by h.position
"""


def claim(tx: Tx, picks: Sequence[Pick], now: datetime) -> list[tuple[AgentId, RunMessage]]:
    """Claim or resume the picked cases that are still free at `now`, and return who got what, in their order."""
    rows = tx.sql(
        _CLAIM_SQL,
        {
            "cases": [pick.case_id for pick in picks],
            "agents": [pick.agent_id for pick in picks],
            "runs": new_ids(len(picks)),
            "now": now,
        },
    )
    return [(AgentId(row.agent_id), RunMessage(RunId(row.run_id), row.attempt)) for row in rows]


# A message that comes twice, or after the run was interrupted, finds no pending run with its attempt.
_START_SQL = f"""
update runs r
set status = 'running', started_at = coalesce(r.started_at, {NOW}), alive_at = {NOW}, worker = %(worker)s
from cases c, agents a
where r.id = %(start_id)s and r.attempt = %(start_attempt)s and r.status = '{START_SOURCE}' and c.id = r.case_id and a.id = r.agent_id
returning r.id as run_id, r.attempt, r.failures, r.queue_id, c.id as case_id, c.title, c.data, c.priority, c.created_at,
  a.id as agent_id, a.name as agent_name, a.kind, a.target, a.max_attempts, a.team_id,
  exists (select from consumers w where w.queue_id = r.queue_id and w.agent_id = r.agent_id and w.concurrency is not null) as limited,
  (select coalesce(json_agg(json_build_array(l.key, l.value) order by l.key, l.value), '[]')
   from case_labels cl join labels l on l.id = cl.label_id where cl.case_id = c.id) as labels
"""


def start(tx: Tx, message: RunMessage, worker: str) -> Any | None:
    """Make a pending run running, and return it with its case and agent; None where it is not to be started."""
    return tx.sql(_START_SQL, Starting(message, worker).parameters()).one_or_none()


@dataclass(slots=True)
class Starting:
    """A run that the statement which ends another one starts: one round trip and one commit for both."""

    message: RunMessage
    worker: str
    row: Any | None = None
    """What `start` would have returned."""

    def parameters(self) -> dict[str, Any]:
        """The start as statement parameters."""
        return {"start_id": self.message.run_id, "start_attempt": self.message.attempt, "worker": self.worker}


def _outcome_sql(event: Event, target: CaseStatus, case_sets: str, run_sets: str, reason: str = "%(reason)s") -> str:
    """A run's outcome, up to the line of history that it logs where the fence held."""
    arrow = transition(event, target)
    return f"""
with moved as (
  update cases set status = '{arrow.target}', updated_at = {NOW}, {case_sets}
  where id = %(case_id)s and run_id = %(run_id)s and attempt = %(attempt)s and status in ({listed(arrow.sources)})
  returning id
), ended as (
  update runs r set status = '{arrow.run}', reason = %(reason)s, {run_sets} from moved m where r.id = %(run_id)s
  returning r.agent_id
), logged as (
  insert into case_events (case_id, type, reason, created_at, run_id, agent_id, human_request_id)
  select m.id, '{arrow.records}', {reason}, {NOW}, %(run_id)s, e.agent_id, %(request_id)s::uuid from moved m, ended e
  returning case_id
)
"""


_FREE = "run_id = null, run_agent_id = null"
_DONE = f"{_FREE}, completed_at = {NOW}"
_ENDED = f"completed_at = {NOW}, outcome = %(outcome)s"
# A request to release ends with the attempt that it was made to: the next one is another worker's.
_WAITS = "alive_at = null, stop_requested_at = null, stop_deadline = null, stop_releases = false"
_FAILED_ATTEMPT = "failures = failures + 1, error = %(error)s"
_LATER = f"{NOW} + make_interval(secs => %(seconds)s)"
_MOMENT = f"coalesce(%(until)s::timestamptz, {_LATER})"

_COMPLETE = _outcome_sql(Event.COMPLETE, CaseStatus.COMPLETED, _DONE, _ENDED)
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
_GIVE_UP = _outcome_sql(Event.ATTEMPT_FAILED, CaseStatus.FAILED, _DONE, f"{_ENDED}, {_FAILED_ATTEMPT}")
_RELEASE = _outcome_sql(
    Event.RELEASE,
    CaseStatus.PENDING,
    f"ready_at = {NOW}",
    _WAITS,
)


# The start waits for the outcome's locks, so that both together keep the order of all: cases, then runs by their ids.
_THEN_START = f"""
, started as (
{_START_SQL.replace("from cases c, agents a", "from (select count(*) from logged) after, cases c, agents a")}
)
select (select count(*) from logged) as ended, s.* from (values (1)) as always left join started s on true
"""


def _settle(tx: Tx, statement: str, fence: Fence, starting: Starting | None = None, **values: Any) -> bool:
    defaults = {"reason": None, "request_id": None, "outcome": None, "error": None, "until": None, "seconds": 0.0}
    bound = {**defaults, **values, **fence.parameters()}
    if starting is None:
        return tx.sql(f"{statement} select from logged", bound).rowcount == 1
    row = tx.sql(statement + _THEN_START, {**bound, **starting.parameters()}).one()
    starting.row = row if row.run_id else None
    return bool(row.ended)


def complete(tx: Tx, fence: Fence, reason: str | None, starting: Starting | None = None) -> bool:
    """The run did the work. Returns False, as all outcomes do, where the run no longer holds its case."""
    return _settle(tx, _COMPLETE, fence, starting, reason=reason, outcome="completed")


def fail(tx: Tx, fence: Fence, reason: str, error: str | None, starting: Starting | None = None) -> bool:
    """The run says that the case cannot be done; `error` is a traceback."""
    return _settle(tx, _FAIL, fence, starting, reason=reason, error=error, outcome="failed")


def postpone(
    tx: Tx, fence: Fence, until: datetime | timedelta, reason: str | None, starting: Starting | None = None
) -> bool:
    """The case comes back at that moment, or after that time by the database's clock."""
    moment = {"seconds": until.total_seconds()} if isinstance(until, timedelta) else {"until": until}
    return _settle(tx, _POSTPONE, fence, starting, reason=reason, outcome="postponed", **moment)


def hand_over(tx: Tx, fence: Fence, agent_id: AgentId, reason: str | None) -> bool:
    """The case goes to that agent."""
    return _settle(tx, _HAND_OVER, fence, reason=reason, outcome="handed_over", agent_id=agent_id)


def ask(tx: Tx, fence: Fence, request_id: UUID, title: str) -> bool:
    """The run waits for a person and gives its slot back."""
    return _settle(tx, _ASK, fence, request_id=request_id, title=title)


def try_again(tx: Tx, fence: Fence, seconds: float, reason: str, error: str | None) -> bool:
    """The attempt failed; the same run goes on after that many seconds."""
    return _settle(tx, _TRY_AGAIN, fence, seconds=seconds, reason=reason, error=error)


def give_up(tx: Tx, fence: Fence, reason: str, error: str | None) -> bool:
    """The last attempt failed."""
    return _settle(tx, _GIVE_UP, fence, reason=reason, error=error, outcome="failed")


def release(tx: Tx, fence: Fence, reason: str) -> bool:
    """The worker gives the run back; another worker goes on with it at once, and no attempt is counted."""
    return _settle(tx, _RELEASE, fence, reason=reason)


_ANSWER = transition(Event.ANSWER)

_ANSWER_SQL = f"""
with moved as (
  update cases set status = '{_ANSWER.target}', human_request_id = null, ready_at = {NOW}, updated_at = {NOW}
  where id = %(case_id)s and human_request_id = %(request_id)s and status in ({listed(_ANSWER.sources)})
  returning id, run_id, run_agent_id
)
insert into case_events (case_id, type, created_at, run_id, agent_id, human_request_id)
select id, '{_ANSWER.records}', {NOW}, run_id, run_agent_id, %(request_id)s::uuid from moved
"""


def answer(tx: Tx, case_id: CaseId, request_id: UUID) -> bool:
    """The case's open request was answered: its run goes on before anything new is begun."""
    return tx.sql(_ANSWER_SQL, {"case_id": case_id, "request_id": request_id}).rowcount == 1


# A running run is asked, and has until the deadline; one that nobody executes ends here. The runs are found by their
# case and not by the case's binding: a run that was asked before, and has not stopped yet, is bound no more.
_INTERRUPT_SQL = f"""
with locked as (
  select id, case_id from runs where case_id = any(%(cases)s::uuid[]) and live order by id for no key update
)
update runs r
set status = case when r.status = '{RunStatus.RUNNING}' then r.status else '{RunStatus.INTERRUPTED}' end,
    completed_at = case when r.status = '{RunStatus.RUNNING}' then null else %(now)s end,
    stop_requested_at = coalesce(r.stop_requested_at, %(now)s), stop_deadline = coalesce(r.stop_deadline, %(deadline)s),
    stop_releases = false, reason = %(reason)s, case_id = case when %(forget)s then null else r.case_id end
from locked l where r.id = l.id
returning l.case_id, r.id as run_id, case when r.status = '{RunStatus.RUNNING}' then r.stop_deadline end as runs_until
"""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A live run that was interrupted; `runs_until` is None where nobody executes it."""

    case_id: CaseId
    run_id: RunId
    runs_until: datetime | None


def interrupt(
    tx: Tx, cases: Sequence[UUID], deadline: datetime, reason: str, *, forget: bool = False
) -> list[Interrupted]:
    """Interrupt the live runs of cases that the transaction has locked; `forget` cuts them off cases that go away."""
    rows = tx.sql(
        _INTERRUPT_SQL, {"cases": list(cases), "now": tx.now, "deadline": deadline, "reason": reason, "forget": forget}
    )
    return [Interrupted(CaseId(row.case_id), RunId(row.run_id), row.runs_until) for row in rows]


def _withdraw_sql(event: Event, target: CaseStatus) -> str:
    """A person takes cases from whoever has them: one row in, one row moved, with its line of history."""
    arrow = transition(event, target)
    done = f"{NOW}" if target in (CaseStatus.COMPLETED, CaseStatus.FAILED) else "null"
    assigned = "%(agent_id)s::uuid" if event in (Event.RETRY, Event.DELEGATE) else "assigned_agent_id"
    claimed = "null" if target is CaseStatus.PENDING else "claimed_at"
    return f"""
with moved as (
  update cases c
  set status = '{arrow.target}', {_FREE}, human_request_id = null, postponed_to = null, handed_over = false,
      completed_at = {done}, assigned_agent_id = {assigned}, claimed_at = {claimed}, ready_at = w.ready_at, updated_at = {NOW}
  from unnest(%(cases)s::uuid[], %(ready)s::timestamptz[], %(old_runs)s::uuid[]) as w (id, ready_at, old_run)
  where c.id = w.id
  returning c.id, w.old_run
)
insert into case_events (case_id, type, reason, created_at, run_id, agent_id)
select id, '{arrow.records}', %(reason)s, {NOW}, old_run, %(agent_id)s::uuid from moved
"""


_WITHDRAW = {
    (event, target): _withdraw_sql(event, target)
    for event, target in (
        (Event.RETRY, CaseStatus.PENDING),
        (Event.DELEGATE, CaseStatus.PENDING),
        (Event.SETTLE, CaseStatus.COMPLETED),
        (Event.SETTLE, CaseStatus.FAILED),
        (Event.STOP, CaseStatus.FAILED),
    )
}


def withdraw(
    tx: Tx,
    event: Event,
    target: CaseStatus,
    cases: Sequence[tuple[UUID, datetime, UUID | None]],
    *,
    agent_id: UUID | None = None,
    reason: str | None = None,
) -> None:
    """Move locked cases, given as (id, ready at, former run)."""
    tx.sql(
        _WITHDRAW[event, target],
        {
            "cases": [case[0] for case in cases],
            "ready": [case[1] for case in cases],
            "old_runs": [case[2] for case in cases],
            "agent_id": agent_id,
            "reason": reason,
        },
    )


# The stop brings the case forward: it waited for this, or for the end of the grace.
_STOPPED_SQL = f"""
with locked as (
  select c.id from cases c where c.id = (select case_id from runs where id = %(run_id)s) for no key update
), stopped as (
  update runs r set status = '{RunStatus.INTERRUPTED}', completed_at = {NOW}
  from (select max(id::text) from locked) l
  where r.id = %(run_id)s and r.attempt = %(attempt)s and r.status = '{RunStatus.RUNNING}'
    and r.stop_requested_at is not null and not r.stop_releases
    and (%(silence)s::interval is null or r.alive_at <= {NOW} - %(silence)s)
  returning r.id, r.case_id, r.agent_id, r.stop_deadline
), freed as (
  update cases c set ready_at = {NOW} from stopped s
  where c.id = s.case_id and c.run_id is null and c.ready_at = s.stop_deadline
), logged as (
  insert into case_events (case_id, type, reason, created_at, run_id, agent_id)
  select case_id, '{EventType.INTERRUPTED}', %(reason)s, {NOW}, id, agent_id from stopped where case_id is not null
)
select id from stopped
"""


def stopped(tx: Tx, run_id: RunId, attempt: int, reason: str, *, silence: timedelta | None = None) -> bool:
    """The run that was asked to stop has stopped, or is fenced out because its time is over.

    With `silence`, only where its worker has been silent for that long: a heartbeat that came meanwhile saves it.
    """
    values = {"run_id": run_id, "attempt": attempt, "reason": reason, "silence": silence}
    return tx.sql(_STOPPED_SQL, values).one_or_none() is not None
