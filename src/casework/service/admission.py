"""Claims within limits: the one way in which ticks and agents elsewhere give cases to consumers that they have locked.

Without limits it is a plan and a claim. With them, the lines that the candidates have to pass are locked after the consumers and
counted after that; the plan gives out what they let through, and what has to wait whoever could take it leaves the lanes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from casework.core import plan
from casework.core.capacity import Pair, Room
from casework.core.effects import RunMessage
from casework.core.limits import Gates
from casework.core.model import CaseId, LineId
from casework.core.plan import Candidate, Pick
from casework.core.shares import Shares
from casework.store import lines, transitions
from casework.store.consumers import Held
from casework.store.database import Tx
from casework.store.lines import Covering

PAST = 1000
"""How many cases of a lane an agent looks past that has to leave them to others."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What was picked, what of it was claimed, and how many cases left the lanes because they have to wait."""

    picks: Sequence[Pick]
    claimed: Sequence[tuple[Pick, RunMessage]]
    parked: int = 0
    looks_again: bool = False
    """Whether the next look finds other cases, or lines: one that was deleted meanwhile is there again then."""
    skipped: bool = False
    """Whether cases were passed over that stay in the lanes."""


def limits_of(tx: Tx, held: Sequence[Held]) -> list[Covering]:
    """The limits that bound the locked consumers. Sends nothing if there are none."""
    limited = [one.opening for one in held if one.limited]
    if not limited:
        return []
    return lines.covering(tx, {one.queue_id for one in limited}, {one.agent_id for one in limited})


def looks_past(limits: Sequence[Covering]) -> bool:
    """Whether an agent may have to pass over cases that others may take."""
    return any(limit.is_keyed and limit.agent_id for limit in limits)


def claim(
    tx: Tx,
    held: Sequence[Held],
    found: Sequence[Candidate],
    now: datetime,
    limits: Sequence[Covering] = (),
    room: Room | None = None,
    shares: Shares | None = None,
    others: Collection[Pair] = (),
    *,
    one: bool = False,
) -> Admitted:
    """Give the candidates to the consumers; with `one`, claim the first of them that is still free."""
    openings = [each.opening for each in held]
    if not limits or not found:
        picks = plan.assign(openings, found, room, shares, others=others)
        return Admitted(picks, _claim(tx, picks, now, one))
    gates = lines.before(tx, limits, {each.case_id: each.queue_id for each in found}, now)
    picks = plan.assign(openings, found, room, shares, gates, others)
    claimed = _claim(tx, picks, now, one)
    taken = {pick.case_id for pick, _ in claimed}
    for pick in picks:
        if pick.case_id not in taken:
            gates.give_back(pick.case_id, pick.agent_id)
    parked = _parked(gates, found, {pick.case_id for pick in picks})
    passed = [(message.run_id, message.attempt, gates.lines(pick.case_id, pick.agent_id)) for pick, message in claimed]
    left = lines.settle(tx, gates, passed, parked, now)
    return Admitted(picks, claimed, left, left > 0 or gates.lost, gates.skipped)


def _claim(tx: Tx, picks: Sequence[Pick], now: datetime, one: bool) -> Sequence[tuple[Pick, RunMessage]]:
    if not one:
        return transitions.claim(tx, picks, now) if picks else []
    return next(filter(None, (transitions.claim(tx, [pick], now) for pick in picks)), [])


def _parked(gates: Gates, found: Sequence[Candidate], picked: set[CaseId]) -> dict[CaseId, LineId]:
    """The cases that have to wait, and where: what the plan gave out is not among them, even if it was not claimed."""
    waits: dict[CaseId, LineId] = {}
    for each in found:
        line = gates.parks(each.case_id, each.queue_id, each.agent_id) if each.case_id not in picked else None
        if line:
            waits[each.case_id] = line
    return waits
