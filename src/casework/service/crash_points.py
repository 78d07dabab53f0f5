"""Named points between the steps of a tick and of a run, at which a process may die.

Nothing happens there, except in the test that kills a process at each point: committed work stays, uncommitted work is
undone, and messages that were not sent are lost.
"""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """A point at which a process may die, named after what it has done so far."""

    CONSUMERS_LOCKED = "consumers locked"
    CLAIM_WRITTEN = "claim written, not committed"
    CLAIM_COMMITTED = "claim committed, not sent"
    STUCK_FOUND = "stuck runs found"
    STUCK_BROUGHT_ON = "a stuck run recovered"
    RESEND_COMMITTED = "resend committed, not sent"
    RUN_STARTED = "run started"
    AGENT_RETURNED = "agent returned"
    OUTCOME_WRITTEN = "outcome written, not committed"
    OUTCOME_COMMITTED = "outcome committed, no tick asked for"


Hook = Callable[..., None]

_hooks: list[Hook] = []


def reach(point: Point, *in_hand: object) -> None:
    """Announce that a point is reached, and with what."""
    for hook in _hooks:
        hook(point, *in_hand)


def watch(hook: Hook) -> None:
    """Call a function at every point from now on."""
    _hooks.append(hook)


def forget(hook: Hook) -> None:
    """Stop calling the function."""
    _hooks.remove(hook)
