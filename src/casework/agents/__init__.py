"""What the author of an agent imports, and how an agent is called."""

from casework.agents.decorator import Agent, agent
from casework.agents.outcomes import Complete, Fail, HandOver, Outcome, Postpone
from casework.agents.run import HeldCase, Run

__all__ = ["Agent", "Complete", "Fail", "HandOver", "HeldCase", "Outcome", "Postpone", "Run", "agent"]
