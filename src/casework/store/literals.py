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


def same_status(row: str) -> str:
    """The status of a case or run as it is, in the SET clause of an update of many rows that writes nothing which a generated column
    depends on. For such an update PostgreSQL parses the expressions of these columns again for each row: of a heartbeat of
    1,000 runs that is half, of 1,000 cases that leave a line nine tenths."""
    return f"status = {row}.status"


NEXT_EVENT = "nextval('case_events_id_seq')"
"""The number of a line of history that stands on the row of a case or a run: it is of the same sequence as stored ones."""
