"""Numbers of things that may be too many to count."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are. One that is not exact comes from statistics, or is the number at which counting ended."""

    number: int
    exact: bool = True
