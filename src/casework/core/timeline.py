"""The way that a case took through its statuses, from the lines of its history."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from casework.core.lifecycle import LIFECYCLE, TRANSITIONS, CaseStatus, EventType
from casework.core.model import CaseEvent


@dataclass(frozen=True, slots=True)
class Stage:
    """A time that a case spent in one status."""

    status: CaseStatus | None
    """None if the history does not say which: a person ended the case in one way or the other, and then it went on."""
    began_with: EventType
    begins: datetime
    ends: datetime
    is_last: bool = False
    run_id: UUID | None = None
    agent_name: str | None = None
    """Who had the case, while it was claimed."""
    reason: str | None = None

    @property
    def lasts(self) -> timedelta:
        return max(self.ends - self.begins, timedelta())

    @property
    def has_ended(self) -> bool:
        """Whether this is the end of the case, so that it does not matter how long ago it began."""
        return self.is_last and self.status is not None and LIFECYCLE.state(self.status).ended


def _targets() -> dict[EventType, frozenset[CaseStatus]]:
    found: dict[EventType, set[CaseStatus]] = defaultdict(set)
    for move in TRANSITIONS:
        if move.records and move.target:
            found[move.records].add(move.target)
    # The claim by the agent to which a case was handed over.
    found[EventType.HANDOVER] = found[EventType.CLAIMED]
    return {type: frozenset(targets) for type, targets in found.items()}


_TARGETS = _targets()


def stages(events: Sequence[CaseEvent], now_in: CaseStatus, now: datetime) -> list[Stage]:
    """The stages of a case that has this status now, from its whole history, the oldest first."""
    moves = [event for event in events if EventType(event.type) in _TARGETS]
    found = []
    for place, event in enumerate(moves):
        is_last = place == len(moves) - 1
        status = now_in if is_last else status_after(event)
        holds = status is CaseStatus.CLAIMED
        found.append(
            Stage(
                status,
                EventType(event.type),
                event.created_at,
                now if is_last else moves[place + 1].created_at,
                is_last,
                event.run_id if holds else None,
                event.agent_name if holds else None,
                event.reason,
            )
        )
    return found


def status_after(event: CaseEvent) -> CaseStatus | None:
    """The status that a line of history led to; None if it moved nothing, or if several are possible."""
    type = EventType(event.type)
    targets = _TARGETS.get(type, frozenset())
    if len(targets) == 1:
        (target,) = targets
        return target
    if type is EventType.CREATED:
        return CaseStatus.POSTPONED if _is_postponed(event) else CaseStatus.PENDING
    return None


def _is_postponed(event: CaseEvent) -> bool:
    return any(change.get("field") == "postponed_to" and change.get("new") for change in event.changes or ())


def spent(found: Iterable[Stage]) -> dict[CaseStatus, timedelta]:
    """How long a case was in each status in all. How long ago it ended is not part of it."""
    times: dict[CaseStatus, timedelta] = {}
    for stage in found:
        if stage.status and not stage.has_ended:
            times[stage.status] = times.get(stage.status, timedelta()) + stage.lasts
    return times
