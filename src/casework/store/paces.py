"""How long the latest runs of agents took."""

from collections.abc import Sequence
from dataclasses import dataclass

from casework.core.capacity import Pair
from casework.core.model import AgentId
from casework.store.consumers import as_arrays
from casework.store.database import Tx

# The newest runs of a few queues, however many there were, and however many queues the agents have: first those that wait and
# run, then ended ones. A run of several attempts waited in between. The newest of all runs are for agents of many quiet queues,
# none of which has had ten runs lately. LIMIT is a literal, as for candidates.
_NEWEST = "select id, agent_id, attempt, started_at, completed_at from runs {of} order by id desc limit 1000"
_ENDED = "l.attempt = 1 and l.completed_at > l.started_at limit 200"
_DURATIONS_SQL = f"""
select agent_id, single, avg(seconds)::float as mean, avg(seconds) filter (where rank <= 0.9)::float as usual,
  max(seconds) filter (where rank <= 0.9)::float as longest
from (
  select a.id as agent_id, coalesce(a.max_attempts, %(max_attempts)s) = 1 as single, s.seconds,
    percent_rank() over (partition by a.id order by s.seconds) as rank, count(*) over (partition by a.id) as ended
  from (
    select r.* from unnest(%(queues)b::uuid[], %(agents)b::uuid[]) as w (queue_id, agent_id) cross join lateral (
      select l.* from ({_NEWEST.format(of="where queue_id = w.queue_id")}) l where l.agent_id = w.agent_id and {_ENDED}
    ) r
    union
    (select l.* from ({_NEWEST.format(of="")}) l where l.agent_id = any(%(agents)b::uuid[]) and {_ENDED})
  ) r join agents a on a.id = r.agent_id cross join lateral (select extract(epoch from r.completed_at - r.started_at) as seconds) s
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


def paces(tx: Tx, pairs: Sequence[Pair], *, max_attempts: int) -> dict[AgentId, Pace]:
    """The pace of agents that have ended ten runs lately, in these queues of theirs or as the newest of all. `max_attempts` holds
    for agents that do not say."""
    rows = tx.sql(_DURATIONS_SQL, {**as_arrays(pairs), "max_attempts": max_attempts})
    return {AgentId(row.agent_id): Pace(row.mean, row.usual, row.longest, row.single) for row in rows}
