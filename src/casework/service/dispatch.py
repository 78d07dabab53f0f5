"""The tick: sweep, then claim what is ready for whoever has room, batch by batch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import monotonic

from casework import log
from casework.core import plan
from casework.core.model import AgentId, AgentKind, Committed, Effects, RunMessage
from casework.service.crash_points import Point, reach
from casework.service.paces import Paces
from casework.service.sweep import sweep
from casework.settings import Settings
from casework.store import claims, transitions
from casework.store.database import Database

BATCH = 100
"""Claims of one consumer in one transaction: 100 cost 60 µs a case, 1000 cost 40, and hold their locks ten times as long."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick did."""

    claimed: int = 0
    swept: int = 0


def tick(
    db: Database,
    settings: Settings,
    *,
    ticker: str | None = None,
    sweeping: bool = True,
    paces: Paces | None = None,
    seconds: float = 5.0,
) -> Iterator[Committed[Tick]]:
    """Sweep, and claim while there is work and time. Each result is committed; its effects are to be performed.

    `paces` remembers from tick to tick how long runs take; without it each run is sent alone.
    """
    end = monotonic() + seconds
    if sweeping:
        swept = sweep(db, settings, ticker)
        yield Committed(Tick(swept=swept.value.total()), swept.effects)
    while True:
        claimed = claim_round(db, settings)
        if claimed:
            log.detail("cases.claimed", count=len(claimed))
            pace = paces.of(db, [agent for agent, _ in claimed]) if paces else {}
            bundles = plan.bundle(claimed, pace, settings.bundle_seconds)
            yield Committed(Tick(claimed=len(claimed)), Effects(bundles=tuple(bundles)))
        if not claimed or monotonic() > end:
            return


def claim_round(db: Database, settings: Settings) -> list[tuple[AgentId, RunMessage]]:
    """One transaction of claims, over all queues. What it returns is committed and has to be sent to that agent."""
    with db.begin() as tx:
        now = tx.now
        ready = claims.ready_consumers(tx, now, AgentKind.PYTHON)
        held = (
            [held for held in claims.lock_consumers(tx, ready, settings.outstanding_runs) if held.opening.slots]
            if ready
            else []
        )
        if not held:
            return []
        held = [replace(one, opening=replace(one.opening, slots=min(one.opening.slots, BATCH))) for one in held]
        reach(Point.CONSUMERS_LOCKED)
        most = max(
            sum(other.opening.slots for other in held if other.opening.queue_id == one.opening.queue_id) for one in held
        )
        found = claims.candidates(tx, [probe for one in held for probe in one.probes()], now, most)
        picks = plan.assign([one.opening for one in held], found)
        claimed = transitions.claim(tx, picks, now) if picks else []
        reach(Point.CLAIM_WRITTEN)
    reach(Point.CLAIM_COMMITTED, claimed)
    return claimed
