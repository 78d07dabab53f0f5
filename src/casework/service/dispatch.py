"""The tick: sweep, then claim ready cases for consumers with free slots, batch by batch."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from uuid import UUID

from casework import events
from casework.core import plan
from casework.core.effects import Committed, Effects
from casework.core.model import DISPATCHED_KINDS
from casework.service.crash_points import Point, reach
from casework.service.durations import RunDurations
from casework.service.scan_positions import ScanPositions, reached
from casework.service.sweep import sweep
from casework.settings import Settings
from casework.store import candidates, consumers, transitions
from casework.store.candidates import Position, Probe
from casework.store.consumers import Held
from casework.store.database import Database, Tx
from casework.store.transitions import Batch

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
    durations: RunDurations | None = None,
    positions: ScanPositions | None = None,
    seconds: float = 5.0,
) -> Iterator[Committed[Tick]]:
    """Sweep, and claim while there is work and time. Each result is committed; the caller performs its effects.

    `durations` and `positions` are what a ticker remembers from tick to tick: how long runs take, and how far claims have come.
    """
    end = monotonic() + seconds
    positions = positions or ScanPositions()
    if sweeping:
        positions.reset()
        swept = sweep(db, settings, ticker)
        yield Committed(Tick(swept=swept.value.total()), swept.effects)
    # Whoever nudges has left something to claim. A tick that sweeps comes with the clock, and mostly finds nothing.
    looks_first = sweeping
    while True:
        last = claim_round(db, settings, positions, looks_first=looks_first)
        looks_first = False
        claimed = last.claimed
        if claimed:
            events.emit(events.CasesClaimed(len(claimed)))
            seconds_of = (
                durations.of(db, settings, [agent for agent, _ in claimed]) if durations and len(claimed) > 1 else {}
            )
            bundles = plan.bundle(claimed, seconds_of, settings.bundle_seconds)
            yield Committed(Tick(claimed=len(claimed)), Effects(bundles=tuple(bundles)))
        # A round that did not fill a batch has left nothing behind: later cases bring their own nudge.
        if not claimed or last.picked < BATCH or monotonic() > end:
            return


def claim_round(
    db: Database, settings: Settings, positions: ScanPositions | None = None, *, looks_first: bool = False
) -> Batch:
    """One transaction of claims, over all queues. The claims that it returns are committed, and the caller sends them.

    `positions` remembers from round to round how far the claims have come; without it each begins at the front. With
    `looks_first`, there is no transaction if there is nothing to claim: one round trip instead of two.
    """
    positions = positions or ScanPositions()
    if looks_first and not _something_is_ready(db):
        return Batch()
    with db.begin() as tx:
        locked = consumers.lock(tx, DISPATCHED_KINDS, settings.outstanding_runs, known=positions.consumers, sent=True)
        held = [_within_a_batch(one) for one in locked if one.opening.slots]
        if not held:
            return Batch()
        reach(Point.CONSUMERS_LOCKED)
        now = max(one.now for one in held)
        batch = (
            transitions.claim_first(tx, held[0], now, positions.positions)
            if len(held) == 1
            else _claim_planned(tx, held, now, positions.positions)
        )
        reach(Point.CLAIM_WRITTEN)
    positions.advance(held, batch.reached, now)
    reach(Point.CLAIM_COMMITTED, batch.claimed)
    return batch


def _something_is_ready(db: Database) -> bool:
    with db.single() as tx:
        return consumers.something_is_ready(tx, DISPATCHED_KINDS)


def _claim_planned(tx: Tx, held: Sequence[Held], now: datetime, after: Mapping[Probe, Position]) -> Batch:
    """Claim for several consumers, among which the plan divides what they share."""
    probes = [probe for one in held for probe in one.probes()]
    found = candidates.first(tx, probes, now, _most_of_a_queue(held), after)
    picks = plan.assign([one.opening for one in held], found)
    claimed = transitions.claim(tx, picks, now) if picks else []
    return Batch(claimed, len(picks), reached(picks))


def _within_a_batch(held: Held) -> Held:
    return replace(held, opening=replace(held.opening, slots=min(held.opening.slots, BATCH)))


def _most_of_a_queue(held: Sequence[Held]) -> int:
    """How many cases the consumers of one queue could take together at most."""
    slots: Counter[UUID] = Counter()
    for one in held:
        slots[one.opening.queue_id] += one.opening.slots
    return max(slots.values())
