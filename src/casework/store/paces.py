"""How long the latest runs of agents took."""

from collections.abc import Sequence
from dataclasses import dataclass

from casework.core.model import AgentId
from casework.store.database import Tx

# The newest runs of each queue and no others, however many there were: first those that wait and run, then ended ones. A
# run of several attempts waited in between. LIMIT is a literal, as for candidates.
_DURATIONS_SQL = """
select agent_id, single, avg(seconds)::float as mean, avg(seconds) filter (where rank <= 0.9)::float as usual,
  max(seconds) filter (where rank <= 0.9)::float as longest
from (
  select c.agent_id, coalesce(a.max_attempts, %(max_attempts)s) = 1 as single, r.seconds,
    percent_rank() over (partition by c.agent_id order by r.seconds) as rank, count(*) over (partition by c.agent_id) as ended
  from consumers c join agents a on a.id = c.agent_id cross join lateral (
    select extract(epoch from l.completed_at - l.started_at) as seconds
    from (
      select agent_id, attempt, started_at, completed_at from runs where queue_id = c.queue_id order by id desc limit 1000
    ) l
    where l.agent_id = c.agent_id and l.attempt = 1 and l.completed_at > l.started_at limit 200
  ) r
  where c.agent_id = any(%(agents)s::uuid[])
) ranked
where ended >= 10
group by agent_id, single
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the latest runs of an agent took, in seconds."""

    mean: float
    usual: float
    """The mean of nine in ten, so that a few which had to wait for the interpreter or the disk do not count as all."""
    longest: float
    """What nine in ten took at most."""
    single: bool
    """Whether its runs are attempted only once, and so must not be lost with one that they share a worker with."""


def paces(tx: Tx, agents: Sequence[AgentId], *, max_attempts: int) -> dict[AgentId, Pace]:
    """The pace of agents that have ended ten runs lately. `max_attempts` holds for agents that do not say."""
    rows = tx.sql(_DURATIONS_SQL, {"agents": list(agents), "max_attempts": max_attempts})
    return {AgentId(row.agent_id): Pace(row.mean, row.usual, row.longest, row.single) for row in rows}
