"""How long the runs of agents take, measured: short ones may share a message, and a few of them are claimed ahead."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from time import monotonic

from casework.core.capacity import Pair
from casework.core.model import AgentId, QueueId
from casework.settings import Settings
from casework.store import paces
from casework.store.database import Database
from casework.store.paces import Pace

REMEMBERED_SECONDS = 0.3
UNKNOWN_SECONDS = 0.1

MOST_QUEUES = 10
"""An agent's runs are looked at in so many of its queues, the last ones in which it had something to claim. It may have thousands:
a look at 10,000 took 18 ms of each claim."""


class RunDurations:
    """Asks the database for the latest runs of agents, now and then."""

    def __init__(self) -> None:
        self._known: dict[AgentId, tuple[Pace | None, float]] = {}
        self._queues: dict[AgentId, deque[QueueId]] = defaultdict(lambda: deque(maxlen=MOST_QUEUES))
        self.mean: dict[AgentId, float] = {}
        """Seconds that the runs of each agent take on average, as far as they were measured."""

    def measure(self, db: Database, settings: Settings, claimed: Collection[Pair]) -> None:
        """Look at the latest runs of the agents of consumers that just had something to claim, unless that was done a moment ago."""
        now = monotonic()
        agents = {AgentId(agent) for _, agent in claimed}
        stale = [one for one in agents if one not in self._known or self._known[one][1] < now]
        if not stale:
            return
        for queue, agent in claimed:
            if queue not in self._queues[AgentId(agent)]:
                self._queues[AgentId(agent)].append(queue)
        pairs = [(queue, agent) for agent in stale for queue in self._queues[agent]]
        with db.single() as tx:
            found = paces.paces(tx, pairs, max_attempts=settings.max_attempts)
        for agent in stale:
            pace = found.get(agent)
            self._known[agent] = pace, now + (UNKNOWN_SECONDS if pace is None else REMEMBERED_SECONDS)
            self.mean.pop(agent, None)
        self.mean |= {agent: pace.mean for agent, pace in found.items()}

    def short(self, seconds: float, agents: Iterable[AgentId]) -> dict[AgentId, float]:
        """Seconds that the runs of these agents usually take, for those of which nine in ten runs take `seconds` at most. Without
        agents that need a message for each run."""
        known = ((agent, self._known[agent][0]) for agent in agents if agent in self._known)
        return {agent: pace.usual for agent, pace in known if pace and pace.longest <= seconds and not pace.single}
