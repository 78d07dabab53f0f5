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
# began. An attempt whose end no column says, because its run goes on later or is gone, took an unknown time.
_SLOT_TIME_SQL = f"""
select g.run_id, g.attempt, r.status is not distinct from '{RunStatus.RUNNING}' and r.attempt = g.attempt as goes_on,
  case when r.attempt = g.attempt and (r.completed_at is not null or r.status = '{RunStatus.RUNNING}') then
    extract(epoch from coalesce(r.completed_at, {NOW}) - case when r.attempt = 1 then r.started_at else r.attempt_started_at end)
  end::float as seconds
from unnest(%(runs)b::uuid[], %(attempts)b::int[]) as g (run_id, attempt) left join runs r on r.id = g.run_id
where r.id is null or r.attempt <> g.attempt or r.status not in ('{START_SOURCE}', '{RunStatus.RUNNING}')
  or (r.status = '{RunStatus.RUNNING}' and r.attempt_started_at < {NOW} - %(long)s::interval)
"""


@dataclass(frozen=True, slots=True)
class SlotTime:
    """How long an attempt has held a slot."""

    message: RunMessage
    seconds: float | None
    """None if that is not known."""
    ended: bool


def statement(messages: Sequence[RunMessage], *, long: timedelta) -> Asked:
    """About those of the runs that have ended, and those that have been executed for `long`: see `read`."""
    runs, attempts = [message.run_id for message in messages], [message.attempt for message in messages]
    return _SLOT_TIME_SQL, {"runs": runs, "attempts": attempts, "long": long}


def read(row: Any) -> SlotTime:
    return SlotTime(RunMessage(RunId(row.run_id), row.attempt), row.seconds, not row.goes_on)
