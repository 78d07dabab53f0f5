"""Which cases come next: the first of each lane of a queue. The claim itself writes a status, so it is in `transitions`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from casework.core.lifecycle import Lane
from casework.core.model import AgentId, CaseId, QueueId
from casework.core.plan import Candidate
from casework.store.database import Tx
from casework.store.literals import ANYONE

# The first cases of each lane, from where the lane is looked at. LIMIT is a literal: as a parameter, the planner guesses a
# tenth of the table and may leave the index.
FIRST_OF_LANES = """
from unnest(%(queues)b::uuid[], %(fors)b::uuid[], %(lanes)b::smallint[], %(after)b::timestamptz[], %(after_ids)b::uuid[])
  with ordinality as w (queue_id, reserved_for, lane, after, after_id, probe)
cross join lateral (
  select c.id, c.ready_at from cases c
  where c.queue_id = w.queue_id and c.reserved_for = w.reserved_for and c.lane = w.lane and not c.parked and c.ready_at <= %(now)s
    and (c.ready_at, c.id) >= (w.after, w.after_id)
  order by c.ready_at, c.id limit {limit}
) k
"""
_CANDIDATES_SQL = f"select w.probe, k.id, k.ready_at {FIRST_OF_LANES}"

_LIMITS = (1, 10, 101, 1000)

Position = tuple[datetime, UUID]
_FRONT = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Probe:
    """One lane of one queue, of one agent's own cases or of everybody's."""

    queue_id: QueueId
    agent_id: AgentId | None
    lane: Lane


def first(
    tx: Tx, probes: Iterable[Probe], now: datetime, most: int, after: Mapping[Probe, Position] | None = None
) -> list[Candidate]:
    """The first cases of each lane that are ready at `now`: at least `most` of each, if there are that many.

    `after` says where to begin in each lane; without it, at the front.
    """
    distinct = list(dict.fromkeys(probes))
    statement = _CANDIDATES_SQL.format(limit=limit_for(most))
    rows = tx.sql(statement, {**lanes_of(distinct, after or {}), "now": now})
    return [_candidate(distinct[probe - 1], CaseId(case_id), ready_at) for probe, case_id, ready_at in rows]


def limit_for(most: int) -> int:
    """How many cases of a lane a statement asks for: one of a few numbers, each of which is a statement of its own."""
    return next((size for size in _LIMITS if size >= most), _LIMITS[-1])


def lanes_of(probes: Sequence[Probe], after: Mapping[Probe, Position]) -> dict[str, list[Any]]:
    """The parameters of FIRST_OF_LANES: which lanes, and where to begin in each."""
    positions = [after.get(probe, _FRONT) for probe in probes]
    return {
        "queues": [probe.queue_id for probe in probes],
        "fors": [probe.agent_id or ANYONE for probe in probes],
        "lanes": [int(probe.lane) for probe in probes],
        "after": [position[0] for position in positions],
        "after_ids": [position[1] for position in positions],
    }


def _candidate(probe: Probe, case_id: CaseId, ready_at: datetime) -> Candidate:
    return Candidate(probe.lane, ready_at, case_id, probe.queue_id, probe.agent_id)
