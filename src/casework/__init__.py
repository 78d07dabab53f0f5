"""An open case queue for AI agents, on PostgreSQL and Celery.

What an agent's author needs is importable from here: the decorator, the run, requests to people, the outcomes and `Transient`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from casework.agents import (
        Action,
        Agent,
        Answer,
        Complete,
        Decision,
        Fail,
        HandOver,
        OnExpiry,
        Outcome,
        Postpone,
        Request,
        Run,
        agent,
    )
    from casework.errors import Transient

__version__ = "0.1.0"

__all__ = [
    "Action",
    "Agent",
    "Answer",
    "Complete",
    "Decision",
    "Fail",
    "HandOver",
    "OnExpiry",
    "Outcome",
    "Postpone",
    "Request",
    "Run",
    "Transient",
    "agent",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for: every command imports this module, and few of them need what agents do."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("casework.errors" if name == "Transient" else "casework.agents"), name)
