"""An open case queue for AI agents, on PostgreSQL and Celery.

What an agent's author needs is importable from here: the decorator, the run, the outcomes and `Transient`.
"""

from casework.agents import Agent, Complete, Fail, HandOver, Outcome, Postpone, Run, agent
from casework.errors import Transient

__version__ = "0.1.0"

__all__ = ["Agent", "Complete", "Fail", "HandOver", "Outcome", "Postpone", "Run", "Transient", "agent"]
