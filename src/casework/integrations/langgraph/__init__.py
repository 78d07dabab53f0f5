"""Graphs of LangGraph as agents; `casework guide langgraph` describes what they are given, and what they are not."""

try:
    import langgraph as _  # noqa: F401 - whether it is there
except ImportError as error:
    raise ImportError(
        "casework.integrations.langgraph needs LangGraph: install it with `pip install 'casework[langgraph]'`."
    ) from error

from casework.integrations.current import current_run
from casework.integrations.langgraph.agent import durable
from casework.integrations.langgraph.checkpointer import Checkpointer

__all__ = ["Checkpointer", "current_run", "durable"]
