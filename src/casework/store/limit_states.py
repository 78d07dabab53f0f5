"""How full limits are, for a diagnosis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from casework.core.limits import Bounds
from casework.core.model import AgentId, QueueId
from casework.store.database import Tx
from casework.store.lines import COUNTING, LINE_ID, VALUE, bounds_of

SHOWN_HOLDERS = 3


@dataclass(frozen=True, slots=True)
class LimitState:
    """A limit, or one value of its key, and what it has let through."""

    queue_name: str | None
    agent_id: AgentId | None
    agent_name: str | None
    key: str | None
    value: str
    bounds: Bounds
    used: int
    paid_until: datetime | None
    holders: Sequence[str]
    """Titles of the cases that were let through first."""

    def is_full(self, now: datetime) -> bool:
        """Whether it lets nobody through now."""
        return self.is_taken or (self.bounds.rate is not None and not self.bounds.rate.left(self.paid_until, now))

    @property
    def is_taken(self) -> bool:
        """Whether as many runs hold a slot as may."""
        return self.bounds.concurrency is not None and self.used >= self.bounds.concurrency


_STATE = f"""
q.name as queue_name, l.agent_id, a.name as agent_name, l.key, l.concurrency, l.rate_count, l.rate_seconds, l.rate_burst, n.paid_until,
(select count(*) from {COUNTING} where h.line_id = n.id) as used,
array(
  select coalesce(k.title, 'a deleted case') from {COUNTING}
  left join cases k on k.id = r.case_id where h.line_id = n.id order by r.claimed_at, r.id limit {SHOWN_HOLDERS}
) as holders
"""
_BINDS = """(l.queue_id is null or l.queue_id = %(queue_id)s)
and (l.agent_id is null or exists (select from consumers m where m.queue_id = %(queue_id)s and m.agent_id = l.agent_id))"""
_FROM = "limits l left join queues q on q.id = l.queue_id left join agents a on a.id = l.agent_id"

_OF_CASE_SQL = f"""
select {_STATE}, left(v.value, 60) as value
from {_FROM} left join cases c on c.id = %(case_id)s cross join lateral (select {VALUE} as value) v
left join limit_lines n on n.id = {LINE_ID.format(limit="l.id", value="v.value")}
where v.value is not null and {_BINDS} order by l.agent_id nulls first, l.id
"""

# One of the values of which cases wait. A diagnosis says what is wrong first, and need not look at all values.
_WAITING_SQL = f"""
select {_STATE}, left(n.value, 60) as value
from {_FROM} cross join lateral (select * from limit_lines s where s.limit_id = l.id order by s.id limit 1000) n
cross join lateral (
  select c.ready_at from cases c
  where c.parked and c.line_id = n.id and c.lane is not null and c.queue_id = %(queue_id)s and c.ready_at <= %(until)s
  order by c.lane, c.ready_at, c.id limit 1
) c
where l.key is not null and {_BINDS} order by c.ready_at limit 1
"""


def _state(row: Any) -> LimitState:
    return LimitState(
        row.queue_name,
        row.agent_id,
        row.agent_name,
        row.key,
        row.value,
        bounds_of(row),
        row.used,
        row.paid_until,
        row.holders,
    )


def binding(tx: Tx, queue_id: QueueId, case_id: UUID | None = None) -> list[LimitState]:
    """The limits that bind a queue's cases as a whole, and those that bind a case by one of its values."""
    return [_state(row) for row in tx.sql(_OF_CASE_SQL, {"queue_id": queue_id, "case_id": case_id})]


def waited_for(tx: Tx, queue_id: QueueId, until: datetime) -> LimitState | None:
    """A value in whose line a case of the queue has waited since before that moment."""
    row = tx.sql(_WAITING_SQL, {"queue_id": queue_id, "until": until}).one_or_none()
    return _state(row) if row else None
