"""Agents of the OpenAI Agents SDK as agents of casework's: `casework[openai-agents]`."""

from casework.integrations.openai_agents.adapter import durable

__all__ = ["durable"]
