"""How far a ticker's claims have come in each lane, so that the next ones begin there.

What was claimed leaves the claim's index only when it is vacuumed, and while an old snapshot is open it is not: looked
for from the front, the next case then lies behind everything that was claimed since.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from casework.core.model import AgentId, QueueId
from casework.core.plan import Candidate, Lane, Pick
from casework.store.claims import Held, Pair, Position, Probe

LATE = timedelta(seconds=2)
"""A case may be committed so long after the moment that it is ready from: no position is nearer to now.

A case that becomes ready even before, as one whose priority was changed, waits until the trail is begun anew.
"""

_FIRST = UUID(int=0)


class Trail:
    """One ticker's. It is begun anew every second or so, so that nothing stays behind it."""

    def __init__(self) -> None:
        self.positions: dict[Probe, Position] = {}
        self.consumers: list[Pair] = []

    def begin_anew(self) -> None:
        """Look from the front again."""
        self.positions.clear()
        self.consumers.clear()

    def follow(self, held: Iterable[Held], found: Sequence[Candidate], picks: Iterable[Pick], now: datetime) -> None:
        """Go on behind what a committed round has claimed, with the consumers that it found cases for."""
        where = {candidate.case_id: candidate for candidate in found}
        nearest = now - LATE, _FIRST
        for pick in picks:
            candidate = where[pick.case_id]
            probe = Probe(candidate.queue_id, candidate.agent_id, Lane(candidate.lane))
            self.positions[probe] = min((candidate.ready_at, candidate.case_id), nearest)
        served: set[tuple[QueueId, AgentId | None]] = {(one.queue_id, one.agent_id) for one in found}
        for one in held:
            queue, agent = one.opening.queue_id, one.opening.agent_id
            pair = queue, agent
            finds = pair in served or (one.opening.trigger and (queue, None) in served)
            if finds and pair not in self.consumers:
                self.consumers.append(pair)
            if not finds and pair in self.consumers:
                self.consumers.remove(pair)
