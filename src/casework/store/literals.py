"""Values that both statements and table definitions contain."""

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

ANYONE = UUID(int=0)
"""`cases.claim_for` of a case that every consumer may take. It is a value instead of NULL, so that the index probe is
an equality and the planner knows its order."""


def listed(values: Iterable[StrEnum]) -> str:
    """The values as the inside of an SQL IN list, in a fixed order."""
    return ", ".join(f"'{value}'" for value in sorted(values))
