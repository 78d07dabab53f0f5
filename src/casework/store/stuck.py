"""Runs that got stuck: found by what holds slots, and not looked at again while nothing can have happened to them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from casework.core.lifecycle import RunStatus
from casework.core.model import CaseId, QueueId, RunId
from casework.store.agents import IS_DISPATCHED
from casework.store.bound import ASKED_TO_STOP, IN_SLOT
from casework.store.connection import Asked, Rows
from casework.store.database import NOW
from casework.store.transitions import Fence


class Stuck(StrEnum):
    """Why the sweep looks at a run."""

    LOST = "lost"
    OVERDUE = "overdue"
    TIMED_OUT = "timed_out"
    UNSENT = "unsent"


@dataclass(frozen=True, slots=True)
class StuckRun:
    """A run that does not get on by itself."""

    why: Stuck
    fence: Fence
    queue_id: QueueId
    failures: int
    max_attempts: int | None
    stops: bool
    """Somebody asked it to stop, and its case is no longer its own."""
    releases: bool
    grace: float | None
    timeout: float | None
    """Seconds that an attempt may take."""
    worker: str | None
    send_count: int


RESEND_DOUBLINGS = 4
"""The wait for a message that was not received ends doubling at sixteen times the first: a queue of messages that others
took away, or a broker that lost them, costs a run minutes and not hours."""


FORESEEN = timedelta(seconds=5)
"""How long an outlook holds at most: by then it is seen that somebody gave an agent a shorter time limit."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a look at all runs at `since` says of the time after it: none gets stuck before `until`, unless it is asked to stop.
    Whatever else may happen to a run, even that it is claimed, leaves it a lease, the time until its message is sent again, or the
    time limit of its agent."""

    since: datetime
    until: datetime


UNKNOWN = Outlook(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC))

# Reads the runs that hold slots and no others: a few hundred rows, however many runs there were. While an outlook holds, only those
# that were asked to stop: a look at 300 runs takes 0.5 ms longer, and at 1,000 runs 1.7. If the clock was set back, it
# holds no more. Materialized, because a ticker keeps its plan: one made for few runs follows the order through the ids of all.
_HOLDS = f"({NOW} >= %(since)s::timestamptz and {NOW} < %(until)s::timestamptz)"
_RUNNING, _PENDING = (f"r.status = '{status}'" for status in (RunStatus.RUNNING, RunStatus.PENDING))
_STUCK_SQL = f"""
with held as materialized (
  select r.id, r.case_id, r.attempt, r.queue_id, r.failures, a.max_attempts, r.worker, r.send_count,
    r.release_on_stop as releases, r.stop_requested_at is not null and not r.release_on_stop as stops,
    extract(epoch from r.stop_deadline - r.stop_requested_at)::float as grace, l.timeout, w.*
  from (
    select b.run_id from cases b where {IN_SLOT} and not ({_HOLDS})
    union all
    select r.id from runs r where {ASKED_TO_STOP} and ({_HOLDS} or not r.release_on_stop)
  ) s join runs r on r.id = s.run_id join agents a on a.id = r.agent_id
  cross join lateral (select coalesce(a.timeout_seconds, nullif(%(timeout)s::float, 0)) as timeout) l
  cross join lateral (
    select case when {_RUNNING} then r.stop_deadline end as overdue,
      case when {_RUNNING} then r.last_heartbeat_at + make_interval(secs => %(lease)s) end as lost,
      case when {_RUNNING} and r.stop_requested_at is null and {IS_DISPATCHED} then r.attempt_started_at + make_interval(secs => l.timeout) end as timed_out,
      case when {_PENDING} and {IS_DISPATCHED}
        then r.sent_at + make_interval(secs => %(resend)s * power(2, least(r.send_count - 1, {RESEND_DOUBLINGS}))) end as unsent
  ) w
), outlook as (
  select case when {_HOLDS} then %(since)s::timestamptz else {NOW} end as since,
    least(
      case when {_HOLDS} then %(until)s::timestamptz
        else {NOW} + least(%(foreseen)s::interval, make_interval(secs => (select min(timeout_seconds) from agents where deleted_at is null))) end,
      (select min(least(overdue, lost, timed_out, unsent)) from held)
    ) as until
)
select o.*, s.* from outlook o left join (
  select h.*, case when overdue <= {NOW} then 'overdue' when lost <= {NOW} then 'lost' when timed_out <= {NOW} then 'timed_out' else 'unsent' end as why
  from held h where least(overdue, lost, timed_out, unsent) <= {NOW} order by h.id limit 1000
) s on true
"""


def looking(*, lease: float, resend: float, timeout: float, outlook: Outlook = UNKNOWN) -> Asked:
    """Find runs whose worker fell silent, whose stop is overdue, that are over their time limit, or whose message must be
    sent again. All in seconds; `timeout` is the limit of agents that have none of their own, 0 is none."""
    shortest = min(lease, resend, timeout) if timeout else min(lease, resend)
    foreseen = min(FORESEEN, timedelta(seconds=shortest))
    seconds = {"lease": lease, "resend": resend, "timeout": timeout, "foreseen": foreseen}
    return _STUCK_SQL, {**seconds, "since": outlook.since, "until": outlook.until}


def outlook(rows: Rows) -> Outlook:
    """The outlook after `looking`."""
    first = rows.all()[0]
    return Outlook(first.since, first.until)


def found(rows: Rows) -> list[StuckRun]:
    """What `looking` found."""
    return [
        StuckRun(
            Stuck(row.why),
            Fence(CaseId(row.case_id), RunId(row.id), row.attempt),
            QueueId(row.queue_id),
            row.failures,
            row.max_attempts,
            row.stops,
            row.releases,
            row.grace,
            row.timeout,
            row.worker,
            row.send_count,
        )
        for row in rows
        if row.id
    ]
