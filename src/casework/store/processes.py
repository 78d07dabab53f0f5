"""When tickers and workers were last seen, and what workers can begin."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from casework.core.capacity import Load, Worker
from casework.core.lifecycle import RunStatus
from casework.core.model import AgentId, QueueId
from casework.store.agents import IS_DISPATCHED
from casework.store.bound import runs_in_slots
from casework.store.connection import Asked
from casework.store.database import NOW, Tx

# `started_at` is reset after a gap: it says since when the process has been listening without a break.
_SEEN_SQL = f"""
insert into processes as p (id, role, started_at, seen_at, lost_slots, slots, worker_group, cannot_run)
values (%(id)s, %(role)s, {NOW}, {NOW}, %(lost_slots)s, %(slots)s, %(group)s, %(cannot_run)s::json)
on conflict (id) do update set seen_at = excluded.seen_at, lost_slots = excluded.lost_slots, slots = excluded.slots,
  worker_group = excluded.worker_group, cannot_run = excluded.cannot_run,
  started_at = case when p.seen_at < excluded.seen_at - %(gap)s then excluded.seen_at else p.started_at end
returning {NOW} - started_at as worked
"""


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says of itself."""

    slots: int = 0
    """How many runs it executes at once; 0 if it is ending."""
    lost_slots: int = 0
    """Those of them that agents hold which do not end."""
    group: str = ""
    cannot_run: Mapping[AgentId, str] = field(default_factory=dict)
    """Agents that it lacks, and why."""


def seen_statement(id: str, role: str, gap: timedelta, report: Report = Report()) -> Asked:
    """Note that a process works. Its only value is how long the process has done so without a gap that long."""
    return _SEEN_SQL, {
        "id": id,
        "role": role,
        "gap": gap,
        "lost_slots": report.lost_slots,
        "slots": report.slots,
        "group": report.group,
        "cannot_run": json.dumps({str(agent): why for agent, why in report.cannot_run.items()}),
    }


def seen(tx: Tx, id: str, role: str, gap: timedelta, report: Report = Report()) -> None:
    """Note that a process works."""
    tx.sql(*seen_statement(id, role, gap, report))


_WORKERS_SQL = f"""
select id, worker_group, slots - lost_slots as slots, cannot_run from processes
where role = 'worker' and slots > lost_slots and seen_at > {NOW} - %(silence)s::interval
"""

# Runs whose message is on its way count, unless it has been for so long that it must have been lost: the sweep sends it again,
# and what it would fill stays in use until then. Pull agents' runs hold no worker.
_LOADS_SQL = f"""
select l.queue_id, l.agent_id, a.worker_group, l.worker, l.runs, l.long from (
  select r.queue_id, r.agent_id, case when r.status = '{RunStatus.RUNNING}' then r.worker end as worker, count(*) as runs,
    count(*) filter (where r.status = '{RunStatus.RUNNING}' and r.attempt_started_at < {NOW} - %(long)s::interval) as long
  from {runs_in_slots()} where r.status = '{RunStatus.RUNNING}' or r.sent_at > {NOW} - %(under_way)s::interval
  group by 1, 2, 3
) l join agents a on a.id = l.agent_id and {IS_DISPATCHED}
"""


def workers_statement(silence: timedelta) -> Asked:
    """The workers that were seen within that time: see `read_worker`."""
    return _WORKERS_SQL, {"silence": silence}


def loads_statement(*, long: timedelta, under_way: timedelta) -> Asked:
    """What workers have to do: see `read_load`. A run counts as long after the one time, and a message as lost after the
    other."""
    return _LOADS_SQL, {"long": long, "under_way": under_way}


def read_worker(row: Any) -> Worker:
    return Worker(
        row.id, row.worker_group, row.slots, {AgentId(UUID(agent)): why for agent, why in row.cannot_run.items()}
    )


def read_load(row: Any) -> Load:
    return Load((QueueId(row.queue_id), AgentId(row.agent_id)), row.worker_group, row.worker, row.runs, row.long)


def note_unable(tx: Tx, id: str, agent_id: AgentId, why: str) -> None:
    """Note that a worker lacks an agent. Its next report says it for itself."""
    tx.sql(
        "update processes set cannot_run = (cannot_run::jsonb || jsonb_build_object(%(agent)s::text, %(why)s::text))::json where id = %(id)s",
        {"id": id, "agent": str(agent_id), "why": why},
    )


def workers(tx: Tx, silence: timedelta) -> list[Worker]:
    """The workers that were seen within that time."""
    return [read_worker(row) for row in tx.sql(*workers_statement(silence))]


def loads(tx: Tx, *, long: timedelta, under_way: timedelta) -> list[Load]:
    """What workers have to do: see `loads_statement`."""
    return [read_load(row) for row in tx.sql(*loads_statement(long=long, under_way=under_way))]


def lost_slots(tx: Tx, within: timedelta) -> dict[str, int]:
    """How many slots each process lost to agents that do not end, of those that were seen within that time."""
    rows = tx.sql(
        f"select id, lost_slots from processes where lost_slots > 0 and seen_at > {NOW} - %(within)s order by id",
        {"within": within},
    )
    return {row.id: row.lost_slots for row in rows}


def last_seen(tx: Tx) -> dict[str, datetime]:
    """When a process of each role was last seen; a role is missing if none ever was."""
    return {
        row.role: row.seen_at for row in tx.sql("select role, max(seen_at) as seen_at from processes group by role")
    }


@dataclass(frozen=True, slots=True)
class Process:
    """A ticker or worker."""

    id: str
    role: str
    started_at: datetime
    """Since when it has been seen without a gap."""
    seen_at: datetime
    lost_slots: int


def find(tx: Tx) -> list[Process]:
    """The processes that were seen within the last day, by role."""
    rows = tx.sql("select id, role, started_at, seen_at, lost_slots from processes order by role, id")
    return [Process(**row._asdict()) for row in rows]


def forget_silent(tx: Tx, age: timedelta) -> None:
    """Delete processes that were not seen for that long."""
    tx.sql(f"delete from processes where seen_at < {NOW} - %(age)s", {"age": age})
