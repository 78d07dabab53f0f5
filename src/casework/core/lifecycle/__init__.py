"""The life of a case, as one table.

STATES says what each status means for a case's row, RUN_STATES what it means for a run's, and TRANSITIONS which moves
there are and who may cause them. The rest is generated from them: guards and SET clauses in SQL, CHECK constraints and
derived columns, the messages of refused requests, the README's diagram, and the matrix of the tests.
"""

from casework.core.lifecycle.machine import Lifecycle, RunState, State, Transition
from casework.core.lifecycle.table import (
    ALL,
    HOLDS_SLOT,
    LIFECYCLE,
    LIVE,
    RUN_STATES,
    START_SOURCE,
    STATES,
    TRANSITIONS,
)
from casework.core.lifecycle.vocabulary import (
    BY_PEOPLE,
    Actor,
    Binding,
    Bound,
    CaseStatus,
    Detail,
    Event,
    EventType,
    Lane,
    RunStatus,
)

__all__ = [
    "ALL",
    "BY_PEOPLE",
    "HOLDS_SLOT",
    "LIFECYCLE",
    "LIVE",
    "RUN_STATES",
    "START_SOURCE",
    "STATES",
    "TRANSITIONS",
    "Actor",
    "Binding",
    "Bound",
    "CaseStatus",
    "Detail",
    "Event",
    "EventType",
    "Lane",
    "Lifecycle",
    "RunState",
    "RunStatus",
    "State",
    "Transition",
]
