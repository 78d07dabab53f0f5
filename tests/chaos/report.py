"""The figures of one fault, and what is wrong with them."""

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any

COLUMNS = (
    "fault",
    "injections",
    "cases",
    "lost",
    "doubled",
    "cap exceeded",
    "refused late writes",
    "recovery p50 / max",
    "during",
    "after",
    "restarts",
)


@dataclass
class Report:
    """The figures of one fault."""

    fault: str
    within: float
    start: float = 0.0
    injections: int = 0
    cases: int = 0
    lost: int = 0
    doubled: int = 0
    cap_exceeded: int = 0
    left: int = 0
    """Runs that live when all cases have ended, or are gone."""
    refused: int = 0
    asked_again: int = 0
    replayed: int = 0
    mistakes: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    before: float = 0.0
    during: float = 0.0
    after: float = 0.0
    least_waiting: int = 0
    restarts: dict[str, int] = field(default_factory=dict)
    unasked_restarts: dict[str, int] = field(default_factory=dict)

    @property
    def p50(self) -> float:
        """The median recovery, in seconds."""
        return statistics.median(self.recoveries) if self.recoveries else 0.0

    @property
    def slowest(self) -> float:
        """The longest recovery, in seconds."""
        return max(self.recoveries, default=0.0)

    @property
    def problems(self) -> list[str]:
        """What must not be: the figures of a good storm give none."""
        found = {
            f"{self.lost} cases lost": self.lost,
            f"{self.doubled} doubled": self.doubled,
            f"the limit exceeded {self.cap_exceeded} times": self.cap_exceeded,
            f"{self.left} runs live without a case that waits for them": self.left,
            f"mistakes: {', '.join(self.mistakes[:3])}": self.mistakes,
            f"a recovery took {self.slowest:.1f} s, and may take {self.within:.1f} s": self.slowest > self.within,
            f"processes that nobody killed were started again: {self.unasked_restarts}": self.unasked_restarts,
            "no case waited in a calm window, so its rate is not the workers'": self.least_waiting == 0,
        }
        return [problem for problem, holds in found.items() if holds]

    def row(self) -> list[str]:
        """As a row of the table."""
        shares = [f"{part / self.before:.0%}" if self.before else "-" for part in (self.during, self.after)]
        counts = [self.injections, self.cases, self.lost, self.doubled, self.cap_exceeded, self.refused]
        restarts = ", ".join(f"{name} {count}" for name, count in self.restarts.items()) or "none"
        return [self.fault, *map(str, counts), f"{self.p50:.1f} s / {self.slowest:.1f} s", *shares, restarts]

    def as_json(self) -> dict[str, Any]:
        """Everything, and the problems."""
        return {**asdict(self), "problems": self.problems}
