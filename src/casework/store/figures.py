"""Figures of queues for somebody who watches: how many cases, and how much was done lately. None of them reads a whole
table, however many cases there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from casework.core.counting import Count
from casework.core.lifecycle import CaseStatus, RunStatus
from casework.core.model import QueueId
from casework.store.bound import ALL_CASES
from casework.store.database import Tx
from casework.store.transitions.clauses import SOON

MOST_COUNTED = 10_000
"""Up to this many, cases are counted; beyond, the number comes from the planner's statistics."""

# LIMIT is a literal, so that the planner knows that the count ends early.
_BY_STATUS_SQL = f"""
select q.id as queue_id, s.status, n.counted
from unnest(%(queue_ids)s::uuid[]) as q (id) cross join unnest(%(statuses)s::text[]) as s (status)
cross join lateral (
  select count(*) as counted from (
    select from {ALL_CASES} c where c.queue_id = q.id and c.status = s.status limit {MOST_COUNTED + 1}
  ) few
) n
"""

_ESTIMATE_SQL = (
    "explain (format json) select from cases where queue_id = %(queue_id)s::uuid and status = %(status)s::text"
)


def by_status(tx: Tx, queue_ids: Sequence[UUID]) -> dict[QueueId, dict[CaseStatus, Count]]:
    """How many cases of each status each queue has."""
    rows = tx.sql(_BY_STATUS_SQL, {"queue_ids": list(queue_ids), "statuses": [str(one) for one in CaseStatus]}).all()
    found: dict[QueueId, dict[CaseStatus, Count]] = {QueueId(id): {} for id in queue_ids}
    for row in rows:
        found[row.queue_id][CaseStatus(row.status)] = _count(tx, row.queue_id, row.status, row.counted)
    return found


def _count(tx: Tx, queue_id: UUID, status: str, counted: int) -> Count:
    if counted <= MOST_COUNTED:
        return Count(counted)
    (found,) = tx.sql(_ESTIMATE_SQL, {"queue_id": queue_id, "status": status}).scalar_one()
    return Count(max(int(found["Plan"]["Plan Rows"]), counted), exact=False)


_OLDEST_SQL = f"""
select q.id as queue_id, o.created_at from unnest(%(queue_ids)s::uuid[]) as q (id) cross join lateral (
  select created_at from cases where queue_id = q.id and status = '{CaseStatus.PENDING}' order by created_at limit 1
) o
"""


def oldest_pending(tx: Tx, queue_ids: Sequence[UUID]) -> dict[QueueId, datetime]:
    """When the oldest pending case of each queue was created; a queue without pending cases is missing."""
    return {QueueId(row.queue_id): row.created_at for row in tx.sql(_OLDEST_SQL, {"queue_ids": list(queue_ids)})}


@dataclass(frozen=True, slots=True)
class Ended:
    """How many runs of a queue ended in a minute, with that status."""

    queue_id: QueueId
    minute: datetime
    status: RunStatus
    count: int


# Runs that ended soon after their claim are the queue's newest, from the newest on that was claimed before the window; ids
# follow the claims. The others stand in an index of their own. An index of all by `completed_at` would be simpler, and cost
# each run's end an entry in every index of runs: 440 bytes of WAL, and as many again at its start if it held the status too.
_ENDED_SQL = f"""
select q.id as queue_id, e.* from unnest(%(queue_ids)s::uuid[]) as q (id) cross join lateral (
  select coalesce((
    select id from runs where queue_id = q.id and created_at < %(since)s::timestamptz - interval '{SOON}' order by id desc limit 1
  ), '{UUID(int=0)}') as id
) before cross join lateral (
  select date_trunc('minute', r.completed_at) as minute, r.status, count(*) as count from (
    select completed_at, status from runs where queue_id = q.id and id > before.id and ended_late_at is null
    union all
    select completed_at, status from runs where queue_id = q.id and ended_late_at >= %(since)s and ended_late_at < %(until)s
  ) r where r.completed_at >= %(since)s and r.completed_at < %(until)s group by 1, 2
) e
"""


def ended(tx: Tx, queue_ids: Sequence[UUID], since: datetime, until: datetime) -> list[Ended]:
    """The runs of these queues that ended from one moment until before another, by minute and status."""
    rows = tx.sql(_ENDED_SQL, {"queue_ids": list(queue_ids), "since": since, "until": until})
    return [Ended(QueueId(row.queue_id), row.minute, RunStatus(row.status), row.count) for row in rows]
