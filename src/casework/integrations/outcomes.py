"""From what an agent of a framework returns to the outcome of its case."""

from collections.abc import Callable
from typing import Any

from casework.agents import Complete, Fail, HandOver, Outcome, Postpone
from casework.core.payload import MAX_REASON


def is_empty(output: Any) -> bool:
    """Whether an agent ended without an output."""
    return output is None or output == ""


def outcome_of(output: Any, text_of: Callable[[Any], str]) -> Outcome:
    """An outcome is itself. Any other output completes the case, and its text is the reason; without one, the case fails."""
    if isinstance(output, Complete | Fail | Postpone | HandOver):
        return output
    if is_empty(output):
        return Fail("The agent ended without an output.")
    return complete(output if isinstance(output, str) else text_of(output))


def complete(text: str) -> Complete:
    """Complete, with as much of the text as a reason may have."""
    return Complete(text[:MAX_REASON])
