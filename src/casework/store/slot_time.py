"""How long runs have held slots."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from casework.core.effects import RunMessage
from casework.core.lifecycle import START_SOURCE, RunStatus
from casework.core.model import RunId
from casework.store.connection import Asked
from casework.store.database import NOW

# Its first attempt began when `started_at` says: of runs that shared a message, `attempt_started_at` is when the first of them
# began. Which of those is executed is not known, so they count as soon as one that goes on must be alone. An attempt whose end no
# column says, because its run goes on later or is gone, took an unknown time; so does a run whose message was lost.
_SLOT_TIME_SQL = f"""
select * from (
  select g.run_id, g.attempt, r.attempt is not distinct from g.attempt and r.status = '{RunStatus.RUNNING}' as goes_on,
    r.attempt is not distinct from g.attempt and r.status = '{START_SOURCE}' and r.sent_at > {NOW} - %(under_way)s::interval as waits,
    r.attempt_started_at < {NOW} - %(long)s::interval or count(*) over (partition by r.worker, r.attempt_started_at) = 1 as alone,
    case when r.attempt = g.attempt and (r.completed_at is not null or r.status = '{RunStatus.RUNNING}') then
      extract(epoch from coalesce(r.completed_at, {NOW}) - case when r.attempt = 1 then r.started_at else r.attempt_started_at end)
    end::float as seconds
  from unnest(%(runs)b::uuid[], %(attempts)b::int[]) as g (run_id, attempt) left join runs r on r.id = g.run_id
) s
where not waits and (alone or not goes_on)
"""


@dataclass(frozen=True, slots=True)
class SlotTime:
    """How long an attempt has held a slot."""

    message: RunMessage
    seconds: float | None
    """None if that is not known."""
    ended: bool


def statement(messages: Sequence[RunMessage], *, long: timedelta, under_way: timedelta) -> Asked:
    """About those of the runs that have ended, and those that are executed alone: see `read`. A run that has been executed for
    `long` is alone, even if it shares a message. A message that was sent longer ago than `under_way`, and has started no run,
    is lost."""
    runs, attempts = [message.run_id for message in messages], [message.attempt for message in messages]
    return _SLOT_TIME_SQL, {"runs": runs, "attempts": attempts, "long": long, "under_way": under_way}


def read(row: Any) -> SlotTime:
    return SlotTime(RunMessage(RunId(row.run_id), row.attempt), row.seconds, not row.goes_on)
