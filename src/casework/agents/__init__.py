"""What the author of an agent imports, and how an agent is called."""

from casework.agents.decorator import Agent, agent
from casework.agents.outcomes import Complete, Fail, HandOver, Outcome, Postpone
from casework.agents.run import HeldCase, Run
from casework.core.requests import Action, Answer, Decision, OnExpiry, Request

__all__ = [
    "Action",
    "Agent",
    "Answer",
    "Complete",
    "Decision",
    "Fail",
    "HandOver",
    "HeldCase",
    "OnExpiry",
    "Outcome",
    "Postpone",
    "Request",
    "Run",
    "agent",
]
