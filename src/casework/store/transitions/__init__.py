"""The only place that writes a status, of a case or of a run.

Every statement is built from rows of the lifecycle's table: its guard, what it sets, and the line of history. Building one
for an actor that the row does not name is an error. A run's own writes are fenced: the
case row carries the token (run id, attempt) of the attempt that holds it, and the same statement that checks the token
moves the status, so that a late write of an older attempt finds no row. Each move writes its line of history in the
same statement.
"""

from casework.store.transitions.by_person import Overridden, override
from casework.store.transitions.by_run import (
    Completion,
    ask,
    complete,
    complete_all,
    complete_and_start,
    fail,
    give_up,
    hand_over,
    postpone,
    release,
    start,
    start_all,
    stopped,
    try_again,
    wait_as_asked,
)
from casework.store.transitions.by_tick import Batch, claim, claim_first
from casework.store.transitions.fence import HOLDS, Fence
from casework.store.transitions.interrupts import Interrupted, ask_to_release, interrupt
from casework.store.transitions.of_waits import answer, expire

__all__ = [
    "HOLDS",
    "Batch",
    "Completion",
    "Fence",
    "Interrupted",
    "Overridden",
    "answer",
    "ask",
    "ask_to_release",
    "claim",
    "claim_first",
    "complete",
    "complete_all",
    "complete_and_start",
    "expire",
    "fail",
    "give_up",
    "hand_over",
    "interrupt",
    "override",
    "postpone",
    "release",
    "start",
    "start_all",
    "stopped",
    "try_again",
    "wait_as_asked",
]
