"""Named points between the steps of a tick and of a run, at which a process may die.

Nothing happens there, but in the test that lets a process die at each: whatever was committed stands, whatever was not
is undone, and what should have been sent is lost.
"""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """Where a process may die, and what it has done by then."""

    CONSUMERS_LOCKED = "consumers locked"
    CLAIM_WRITTEN = "claim written, not committed"
    CLAIM_COMMITTED = "claim committed, not sent"
    STUCK_FOUND = "stuck runs found"
    STUCK_BROUGHT_ON = "a stuck run brought on"
    RESEND_COMMITTED = "resend committed, not sent"
    RUN_STARTED = "run started"
    AGENT_RETURNED = "agent returned"
    OUTCOME_WRITTEN = "outcome written, not committed"
    OUTCOME_COMMITTED = "outcome committed, no tick asked for"


Hook = Callable[..., None]

_hooks: list[Hook] = []


def reach(point: Point, *in_hand: object) -> None:
    """Say that a point is reached, and with what in hand."""
    for hook in _hooks:
        hook(point, *in_hand)


def watch(hook: Hook) -> None:
    """Call this at every point from now on."""
    _hooks.append(hook)


def forget(hook: Hook) -> None:
    """Call it no more."""
    _hooks.remove(hook)
