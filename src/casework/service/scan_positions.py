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

    def reset(self) -> None:
        """Begin at the front again."""
        self.positions.clear()

    def advance(self, reached: Mapping[Probe, Position], now: datetime) -> None:
        """Advance past what a committed round has picked."""
        nearest = now - LATE, _FIRST
        for probe, position in reached.items():
            self.positions[probe] = min(position, nearest)


def reached(picks: Iterable[Pick]) -> dict[Probe, Position]:
    """The last pick of each lane. A consumer that found a case in a lane got it, or others took it from a shared
    lane."""
    last: dict[Probe, Position] = {}
    # Grouped, because hashing four ids for each case costs as much as the rest of the plan.
    for (lane, queue, agent), picked in groupby((pick.candidate for pick in picks), _LANE_OF):
        *_, candidate = picked
        last[Probe(queue, agent, Lane(lane))] = candidate.ready_at, candidate.case_id
    return last
