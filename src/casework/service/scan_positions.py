"""How far a ticker's claims have come in each lane, so that the next ones begin there.

What was claimed leaves the claim's index only when it is vacuumed, and while an old snapshot is open it is not: looked
for from the front, the next case then lies behind everything that was claimed since.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from casework.core.plan import Lane, Pick
from casework.store.claims import Held, Pair, Position, Probe

LATE = timedelta(seconds=2)
"""A case may be committed so long after the moment that it is ready from: no position is nearer to now.

A case that becomes ready even before, as one whose priority was changed, waits until the positions are reset.
"""

_FIRST = UUID(int=0)
_LANE_OF = attrgetter("lane", "queue_id", "agent_id")


class ScanPositions:
    """One ticker's positions, reset every second or so, so that nothing stays behind them."""

    def __init__(self) -> None:
        self.positions: dict[Probe, Position] = {}
        self.consumers: list[Pair] = []

    def reset(self) -> None:
        """Look from the front again."""
        self.positions.clear()
        self.consumers.clear()

    def advance(self, held: Iterable[Held], reached: Mapping[Probe, Position], now: datetime) -> None:
        """Go on behind what a committed round has picked, with the consumers that it found cases for."""
        nearest = now - LATE, _FIRST
        for probe, position in reached.items():
            self.positions[probe] = min(position, nearest)
        served = {(probe.queue_id, probe.agent_id) for probe in reached}
        for one in held:
            queue, agent = one.opening.queue_id, one.opening.agent_id
            pair = queue, agent
            finds = pair in served or (one.opening.trigger and (queue, None) in served)
            if finds and pair not in self.consumers:
                self.consumers.append(pair)
            if not finds and pair in self.consumers:
                self.consumers.remove(pair)


def reached(picks: Iterable[Pick]) -> dict[Probe, Position]:
    """The last pick of each lane. Whoever found a case in a lane got one of it, or others took what is shared."""
    last: dict[Probe, Position] = {}
    # Grouped, because to hash four ids for each case costs as much as the rest of the plan.
    for (lane, queue, agent), picked in groupby((pick.candidate for pick in picks), _LANE_OF):
        *_, candidate = picked
        last[Probe(queue, agent, Lane(lane))] = candidate.ready_at, candidate.case_id
    return last
