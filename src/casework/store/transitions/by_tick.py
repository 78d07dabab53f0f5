"""A tick claims cases, and resumes runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from casework.core.effects import RunMessage
from casework.core.lifecycle import LIFECYCLE, Actor, Event, EventType
from casework.core.model import AgentId, RunId
from casework.core.plan import Pick
from casework.store.candidates import FIRST_OF_LANES, Position, Probe, lanes_of, limit_for
from casework.store.consumers import Held
from casework.store.database import Tx
from casework.store.ids import new_parameters
from casework.store.literals import ANYONE, NEXT_EVENT
from casework.store.transitions.clauses import in_source, sets_of_case, sets_of_run

_move = partial(LIFECYCLE.transition, by=(Actor.TICK,))
_CLAIM, _RESUME = _move(Event.CLAIM), _move(Event.RESUME)
_CASE_SETS = sets_of_case(
    LIFECYCLE,
    _CLAIM,
    _RESUME,
    now="%(now)s",
    run_id="h.run_id",
    run_agent_id="h.agent_id",
    attempt="h.attempt",
    claimed_at="%(now)s",
)
_RUN_SETS = sets_of_run(
    LIFECYCLE, _RESUME, attempt="h.attempt", claimed_at="%(now)s", sent_at="%(now)s", send_count="1"
)


# One statement: lock what is still free, bind it, create or resume the runs, write the history. That a new run claimed its
# case stands on the run's row, where the view `case_history` reads it. SKIP LOCKED leaves a
# case that a person is at to the next tick, and means that a claim never waits while it holds locks. The row is locked
# before it is updated, because an UPDATE of the picked ids would wait for such a person in an order of its own. A case
# whose former run has not stopped yet is left alone: the sweep ends that run when its grace is over; one that was never
# claimed had none. `is true` keeps the planner from looking for anything but the picked ids: a ticker keeps its plan, and
# one that was made for a few cases reads every pending one for each claim of a hundred later. The array keeps it from reading
# all runs while they are few, for the resumed ones that there mostly are none of: 20 to 60 ms at 2,000 runs.
def _claim_sql(pick: str, returned: str) -> str:
    return f"""
with pick as (
  {pick}
), held as (
  select p.position, c.id, c.queue_id, p.agent_id, c.run_id is not null as resumed, coalesce(c.run_id, p.new_run_id) as run_id,
         case when c.run_id is null then 1 else c.attempt + 1 end as attempt, c.handed_over
  from pick p join cases c on c.id = p.case_id
  where ({in_source(_CLAIM, _RESUME)} and c.lane is not null and not c.parked and c.ready_at <= %(now)s
      and c.reserved_for in (p.agent_id, '{ANYONE}')) is true
    and (c.attempt = 0 or not exists (select from runs r where r.case_id = c.id and r.live and r.id is distinct from c.run_id))
  for no key update of c skip locked
), claimed as (
  update cases c set {_CASE_SETS}
  from held h where c.id = h.id
  returning h.position, h.run_id, h.attempt, h.agent_id
), resumed as (
  update runs r set {_RUN_SETS}
  from held h where h.resumed and r.id = h.run_id and r.id = any(array(select run_id from held where resumed))
  returning r.id
), created as (
  insert into runs (id, case_id, queue_id, agent_id, status, attempt, created_at, claimed_at, sent_at, claimed_event)
  select h.run_id, h.id, h.queue_id, h.agent_id, '{_CLAIM.run}', h.attempt, %(now)s, %(now)s, %(now)s,
    case when not h.handed_over then {NEXT_EVENT} end
  from held h where not h.resumed
  returning id
), logged as (
  insert into case_events (case_id, type, created_at, run_id, agent_id)
  select h.id, case when h.resumed then '{_RESUME.records}' else '{EventType.HANDOVER}' end,
         %(now)s, h.run_id, h.agent_id
  from held h where h.resumed or h.handed_over
)
{returned}
"""


CLAIM_SQL = _claim_sql(
    "select * from unnest(%(cases)b::uuid[], %(agents)b::uuid[], %(runs)b::uuid[]) with ordinality as p (case_id, agent_id, new_run_id, position)",
    "select run_id, attempt, position from claimed order by position",
)

# The only consumer that a round holds gets the first cases of its lanes, in their order, and there is nothing to plan: a
# round takes 1.2 times as long as the bare claim, and 1.5 times if the candidates are fetched and sent back. The last
# pick of each lane is a row of its own: joined to all picks, the claimed ones would be compared with each, at a third of
# the claim. The limit of slots may be a parameter: no index depends on it.
CLAIM_FIRST_SQL = _claim_sql(
    f"""
  select s.id as case_id, %(agent_id)s::uuid as agent_id, (%(runs)b::uuid[])[s.position] as new_run_id, s.position, s.probe, s.ready_at
  from (
    select w.probe, k.id, k.ready_at, row_number() over (order by w.lane, k.ready_at, k.id) as position
    {FIRST_OF_LANES}
    order by w.lane, k.ready_at, k.id limit %(slots)s
  ) s""",
    """
select run_id, attempt, null::bigint as probe, null::timestamptz as ready_at, null::uuid as case_id, position from claimed
union all
select * from (
  select distinct on (probe) null::uuid, null::int, probe, ready_at, case_id, position from pick order by probe, position desc
) last
order by position""",
)


@dataclass(frozen=True, slots=True)
class Batch:
    """What was claimed together, and for whom. What a person holds was picked too, and is passed over."""

    claimed: Sequence[tuple[AgentId, RunMessage]] = ()
    picked: int = 0
    reached: Mapping[Probe, Position] = field(default_factory=dict)
    """The last pick of each lane."""
    looks_again: bool = False
    """Whether the next look finds others, because cases left the lanes that a limit holds back."""


def claim(tx: Tx, picks: Sequence[Pick], now: datetime) -> list[tuple[Pick, RunMessage]]:
    """Claim or resume the picked cases that are still free at `now`, and return those with their runs, in their order."""
    rows = tx.sql(
        CLAIM_SQL,
        {
            "cases": [pick.case_id for pick in picks],
            "agents": [pick.agent_id for pick in picks],
            "runs": new_parameters(len(picks)),
            "now": now,
        },
    )
    return [(picks[row.position - 1], RunMessage(RunId(row.run_id), row.attempt)) for row in rows]


def claim_first(tx: Tx, held: Held, now: datetime, after: Mapping[Probe, Position]) -> Batch:
    """Claim or resume what is first in the lanes of one consumer at `now`, for all its slots.

    `after` says where to begin in each lane.
    """
    probes, slots = held.probes(), held.opening.slots
    rows = tx.sql(
        CLAIM_FIRST_SQL.format(limit=limit_for(slots)),
        {
            **lanes_of(probes, after),
            "agent_id": held.opening.agent_id,
            "runs": new_parameters(slots),
            "slots": slots,
            "now": now,
        },
    ).all()
    last = [row for row in rows if row.probe]
    return Batch(
        claimed=[(held.opening.agent_id, RunMessage(RunId(row.run_id), row.attempt)) for row in rows if row.run_id],
        picked=max((row.position for row in last), default=0),
        reached={probes[row.probe - 1]: (row.ready_at, row.case_id) for row in last},
    )
