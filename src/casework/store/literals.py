"""Values that both statements and table definitions contain."""

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

ANYONE = UUID(int=0)
"""`cases.reserved_for` of a case that every consumer may take: a value and not NULL, so that the index probe is one
equality and its order is known to the planner."""


def listed(values: Iterable[StrEnum]) -> str:
    """The values as the inside of an SQL IN list, in a fixed order."""
    return ", ".join(f"'{value}'" for value in sorted(values))


NEXT_EVENT = "nextval('case_events_id_seq')"
"""The number of a line of history that stands on the row of a case or a run: it is of the same sequence as stored ones."""
