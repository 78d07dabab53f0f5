"""How far the claims of a ticker have come in each lane, so that the next claims begin there. Claimed cases stay in the
claim index until it is vacuumed, which an old open snapshot prevents: a scan from the front would pass all cases that
were claimed since.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from casework.core.plan import Lane, Pick
from casework.store.candidates import Position, Probe
from casework.store.consumers import Held, Pair

LATE = timedelta(seconds=2)
"""No position is closer to now than this, because a case may be committed that long after its `ready_at`. A case with
an even earlier `ready_at`, for example after a change of priority, waits until the positions are reset.
"""

_FIRST = UUID(int=0)
_LANE_OF = attrgetter("lane", "queue_id", "agent_id")


class ScanPositions:
    """The positions of one ticker. They are reset every second or so, so that no case is passed over for longer."""

    def __init__(self) -> None:
        self.positions: dict[Probe, Position] = {}
        self.consumers: list[Pair] = []

    def reset(self) -> None:
        """Begin at the front again."""
        self.positions.clear()
        self.consumers.clear()

    def advance(self, held: Iterable[Held], reached: Mapping[Probe, Position], now: datetime) -> None:
        """Advance past what a committed round has picked, and remember the consumers that it found cases for."""
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
    """The last pick of each lane. A consumer that found a case in a lane got it, or others took it from a shared
    lane."""
    last: dict[Probe, Position] = {}
    # Grouped, because hashing four ids for each case costs as much as the rest of the plan.
    for (lane, queue, agent), picked in groupby((pick.candidate for pick in picks), _LANE_OF):
        *_, candidate = picked
        last[Probe(queue, agent, Lane(lane))] = candidate.ready_at, candidate.case_id
    return last
