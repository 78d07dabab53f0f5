"""Limits, in plain Python: how many runs at once, and how long after one start the next may come."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID


@dataclass(eq=False)
class Limit:
    """What it binds, and what it has let through; each value of its key, or None, for itself."""

    queue: UUID | None
    agent: UUID | None
    keyed: bool
    at_once: int | None
    pause: timedelta | None
    held: set[tuple[str | None, UUID, int]] = field(default_factory=set)
    """Values with the attempts that were let through."""
    free_at: dict[str | None, datetime] = field(default_factory=dict)

    def value(self, queue: UUID, agent: UUID, customer: str | None) -> tuple[str | None, bool]:
        """The value that counts, and whether the limit binds such a run at all."""
        binds = self.queue in (None, queue) and self.agent in (None, agent) and (not self.keyed or customer is not None)
        return (customer if self.keyed else None), binds


class Limits:
    """All limits of the model."""

    def __init__(self, ideal: Any) -> None:
        self.ideal = ideal
        self.of: dict[tuple[UUID | None, UUID | None, bool], Limit] = {}

    def __bool__(self) -> bool:
        return bool(self.of)

    def put(
        self, queue: UUID | None, agent: UUID | None, keyed: bool, at_once: int | None, pause: timedelta | None
    ) -> None:
        """Runs that hold a slot count from now on, and those that an older limit let through count on."""
        known = self.of.get((queue, agent, keyed))
        limit = known or Limit(queue, agent, keyed, at_once, pause)
        limit.at_once, limit.pause = at_once, pause
        for run in self.ideal.runs.values():
            customer = run.case.customer if run.case else None
            value, binds = limit.value(run.queue, run.agent, customer)
            if run.status in ("pending", "running") and binds:
                limit.held.add((value, run.id, run.attempt))
        self.of[queue, agent, keyed] = limit

    def used(self, limit: Limit, value: str | None) -> int:
        """How many runs that it let through hold a slot."""
        return sum(
            of == value
            and self.ideal.runs[run].status in ("pending", "running")
            and self.ideal.runs[run].attempt == attempt
            for of, run, attempt in limit.held
        )

    def is_full(self, limit: Limit, value: str | None) -> bool:
        """Whether it lets nobody with that value through now."""
        if limit.at_once is not None and self.used(limit, value) >= limit.at_once:
            return True
        return limit.pause is not None and limit.free_at.get(value, self.ideal.now) > self.ideal.now

    def hold_back(self, case: Any, agent: UUID) -> bool:
        """Whether a limit keeps the case from that agent."""
        found = ((limit, *limit.value(case.queue, agent, case.customer)) for limit in self.of.values())
        return any(binds and self.is_full(limit, value) for limit, value, binds in found)

    def let_through(self, run: Any) -> None:
        """A run was claimed, so all limits must have had room for it."""
        for limit in self.of.values():
            value, binds = limit.value(run.queue, run.agent, run.case.customer)
            if binds:
                assert not self.is_full(limit, value), (
                    f"a limit of {limit.at_once} and {limit.pause} let one more through"
                )
                limit.held.add((value, run.id, run.attempt))
                if limit.pause:
                    free, now = limit.free_at.get(value), self.ideal.now
                    is_a_little_late = free and now - free <= min(timedelta(seconds=0.25), limit.pause / 2)
                    limit.free_at[value] = (free if is_a_little_late else now) + limit.pause
