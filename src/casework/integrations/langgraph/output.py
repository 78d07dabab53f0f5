"""From the last state of a graph to the outcome of its case."""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage

from casework.agents import Outcome
from casework.errors import InvalidInput
from casework.integrations.outcomes import complete


def last_words(state: Any) -> Outcome:
    """Complete, with the model's last text as the reason. Raises InvalidInput if there is none: the graph gave no answer."""
    messages = state.get("messages") if isinstance(state, Mapping) else getattr(state, "messages", None)
    last = messages[-1] if messages else None
    if not isinstance(last, AIMessage):
        raise InvalidInput(
            "The graph ended without an answer: its state has no `messages` that end with one of the model's. "
            "Give durable() an `output` that makes the outcome from the state."
        )
    if last.tool_calls or not str(last.text):
        raise InvalidInput("The graph ended without an answer: the model's last message has no text, or calls a tool.")
    return complete(str(last.text))
