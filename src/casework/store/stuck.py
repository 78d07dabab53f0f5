"""Runs that got stuck: found by what holds slots, and not looked at again while nothing can have happened to them."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from casework.core.lifecycle import RunStatus
from casework.core.model import CaseId, QueueId, RunId
from casework.store.agents import IS_DISPATCHED
from casework.store.bound import ASKED_TO_STOP, runs_in_slots
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


FORESEEN_SECONDS = 5.0
"""How long a look at all runs holds at most: by then it is seen that somebody gave an agent a shorter time limit."""

_RUNNING, _PENDING = (f"r.status = '{status}'" for status in (RunStatus.RUNNING, RunStatus.PENDING))
_SINCE_WHEN = f"""
select r.id, r.case_id, r.attempt, r.queue_id, r.failures, a.max_attempts, r.worker, r.send_count,
  r.release_on_stop as releases, r.stop_requested_at is not null and not r.release_on_stop as stops,
  extract(epoch from r.stop_deadline - r.stop_requested_at)::float as grace, l.timeout,
  case when {_RUNNING} then r.stop_deadline end as overdue,
  case when {_RUNNING} then r.last_heartbeat_at + make_interval(secs => %(lease)s) end as lost,
  case when {_RUNNING} and r.stop_requested_at is null and {IS_DISPATCHED} then r.attempt_started_at + make_interval(secs => l.timeout) end as timed_out,
  case when {_PENDING} and {IS_DISPATCHED}
    then r.sent_at + make_interval(secs => %(resend)s * power(2, least(r.send_count - 1, {RESEND_DOUBLINGS}))) end as unsent
from {{runs}} join agents a on a.id = r.agent_id
cross join lateral (select coalesce(a.timeout_seconds, nullif(%(timeout)s::float, 0)) as timeout) l
"""
_FIRST = "least(overdue, lost, timed_out, unsent)"
_STUCK = f"""
select h.*, case when overdue <= {NOW} then 'overdue' when lost <= {NOW} then 'lost' when timed_out <= {NOW} then 'timed_out' else 'unsent' end as why
from {{held}} h where {_FIRST} <= {NOW} order by h.id limit 1000
"""

# Reads the runs that hold slots and no others: a few hundred rows, however many runs there were. Materialized, because a ticker
# keeps its plan: one made for few runs follows the order through the ids of all.
_ALL_SQL = f"""
with held as materialized ({_SINCE_WHEN.format(runs=runs_in_slots())})
select o.foreseen, s.* from (
  select extract(epoch from least(
    {NOW} + least(%(foreseen)s::interval, make_interval(secs => (select min(timeout_seconds) from agents where deleted_at is null))),
    (select min({_FIRST}) from held)
  ) - {NOW})::float as foreseen
) o left join ({_STUCK.format(held="held")}) s on true
"""
_ASKED_SQL = f"""
with held as materialized ({_SINCE_WHEN.format(runs="runs r")} where {ASKED_TO_STOP})
{_STUCK.format(held="held")}
"""


class Lookout:
    """Finds what got stuck, and looks at all runs only when one of them may have.

    A look at all says for how long none gets stuck, unless it is asked to stop. Whatever else may happen to a run, even that it is
    claimed, leaves it a lease, the time until its message is sent again, or the time limit of its agent. So until then a
    look is at those that were asked: with 300 others it takes 0.5 ms of the server less, and with 1,000, 1.7.
    """

    def __init__(self) -> None:
        self._until = float("-inf")

    def looking(self, now: float, *, lease: float, resend: float, timeout: float) -> Asked:
        """Find runs whose worker fell silent, whose stop is overdue, that are over their time limit, or whose message must be
        sent again. All in seconds; `timeout` is the limit of agents that have none of their own, 0 is none."""
        seconds = {"lease": lease, "resend": resend, "timeout": timeout}
        if now < self._until:
            return _ASKED_SQL, seconds
        shortest = min(FORESEEN_SECONDS, lease, resend, timeout or lease)
        return _ALL_SQL, {**seconds, "foreseen": timedelta(seconds=shortest)}

    def found(self, now: float, rows: Rows) -> list[StuckRun]:
        """What the statement found that was to be sent at that moment."""
        if now >= self._until:
            self._until = now + rows.all()[0].foreseen
        return [_stuck_run(row) for row in rows if row.id]


def _stuck_run(row: Any) -> StuckRun:
    return StuckRun(
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
