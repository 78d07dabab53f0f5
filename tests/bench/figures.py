"""Figures: values over rounds, their ratio to a base of the same rounds, and the bar they are held against."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import Any

Series = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Target:
    """A bar for the ratio, or for the value if there is no ratio."""

    bound: float
    at_least: bool

    def met(self, value: float) -> bool:
        """Whether the value is on the right side."""
        return value >= self.bound if self.at_least else value <= self.bound

    def loosened(self, margin: float) -> "Target":
        """The same bar, that much lower or higher."""
        return Target(self.bound / margin if self.at_least else self.bound * margin, self.at_least)

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


def at_least(bound: float) -> Target:
    """More is better."""
    return Target(bound, True)


def at_most(bound: float) -> Target:
    """Less is better."""
    return Target(bound, False)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    unit: str
    values: Sequence[float]
    against: str = ""
    ratios: Sequence[float] = field(default=())
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        return self.target.met(median(self.ratios or self.values)) if self.target else None

    def lost(self, margin: float) -> bool:
        """Whether a ratio misses its target by that margin, or a count misses it at all. A time is the machine's."""
        if self.target is None or (self.unit and not self.ratios):
            return False
        target = self.target.loosened(margin) if self.ratios else self.target
        return not target.met(median(self.ratios or self.values))

    def as_object(self, part: str) -> dict[str, Any]:
        """The figure for JSON."""
        return {
            "part": part,
            "name": self.name,
            "unit": self.unit,
            "median": median(self.values),
            "values": list(self.values),
            "against": self.against,
            "ratio": median(self.ratios) if self.ratios else None,
            "ratios": list(self.ratios),
            "target": str(self.target) if self.target else None,
            "met": self.met,
        }


def alternate(
    rounds: int,
    contenders: Mapping[str, Callable[[], float]],
    say: Callable[[str], None],
    pieces: int = 1,
    *,
    shuffled: bool = False,
) -> Series:
    """Measure A B C A B C. A round of several pieces alternates piece by piece and counts with the median of each.

    A machine that is slow for a second then slows both sides of a ratio, or is one piece among many. `shuffled` draws the
    order of each piece: of two that work on the same pages, the second finds them in the processor's cache.
    """
    order = Random(0)
    series: Series = {name: [] for name in contenders}
    for number in range(1, rounds + 1):
        found: Series = {name: [] for name in contenders}
        for piece in range(pieces):
            for name in order.sample(list(contenders), len(contenders)) if shuffled else contenders:
                if piece == 0:
                    say(f"round {number}/{rounds}: {name}" + (f", {pieces} pieces" if pieces > 1 else ""))
                found[name].append(contenders[name]())
        for name, values in found.items():
            series[name].append(median(values))
    return series


def compared(
    series: Series, name: str, unit: str, against: str = "", target: Target | None = None, label: str = ""
) -> Figure:
    """A figure of a series, as a ratio to another of the same rounds."""
    values = series[name]
    base = series[against] if against else []
    ratios = [value / other for value, other in zip(values, base, strict=False)]
    return Figure(label or name, unit, values, against, ratios, target)


def with_units(series: Series, targets: Mapping[str, Target] | None = None) -> list[Figure]:
    """Figures of series whose names end with a comma and the unit."""
    figures = []
    for name, values in series.items():
        label, _, unit = name.rpartition(", ")
        figures.append(Figure(label, unit, values, target=(targets or {}).get(label)))
    return figures


def percentile(values: Iterable[float], percent: float) -> float:
    """The value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
