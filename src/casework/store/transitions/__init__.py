"""The only place that writes a status, of a case or of a run.

Every statement takes its source and target statuses from the lifecycle's table. A run's own writes are fenced: the
case row carries the token (run id, attempt) of the attempt that holds it, and the same statement that checks the token
moves the status, so that a late write of an older attempt finds no row. Each move writes its line of history in the
same statement.
"""

from casework.store.transitions.by_person import Interrupted, answer, interrupt, stopped, withdraw
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
    try_again,
    wait_as_asked,
)
from casework.store.transitions.by_tick import Batch, claim, claim_first
from casework.store.transitions.fence import Fence

__all__ = [
    "Batch",
    "Completion",
    "Fence",
    "Interrupted",
    "answer",
    "ask",
    "claim",
    "claim_first",
    "complete",
    "complete_all",
    "complete_and_start",
    "fail",
    "give_up",
    "hand_over",
    "interrupt",
    "postpone",
    "release",
    "start",
    "start_all",
    "stopped",
    "try_again",
    "wait_as_asked",
    "withdraw",
]
