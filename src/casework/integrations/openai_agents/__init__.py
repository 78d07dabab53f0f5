"""Agents of the OpenAI Agents SDK as agents of casework's: `casework[openai-agents]`."""

from casework.integrations.openai_agents.adapter import durable
from casework.integrations.openai_agents.questions import question_tool

__all__ = ["durable", "question_tool"]
