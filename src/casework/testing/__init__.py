"""Tests of agents, in milliseconds and without servers: a case goes in, and what came of it comes out.

The runner and the run are those of the workers; only what they store is kept in memory.
"""

from casework.core.requests import Answering
from casework.testing.case import AddedCase
from casework.testing.results import FailedAttempt, Request, Result
from casework.testing.trial import run_agent

__all__ = ["AddedCase", "Answering", "FailedAttempt", "Request", "Result", "run_agent"]
