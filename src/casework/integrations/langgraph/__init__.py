"""Graphs of LangGraph as agents; `casework guide langgraph` describes what they are given, and what they are not."""

from casework.integrations.langgraph.agent import current_run, durable
from casework.integrations.langgraph.checkpointer import Checkpointer

__all__ = ["Checkpointer", "current_run", "durable"]
