"""Agents of the OpenAI Agents SDK as agents of casework. Needs `casework[openai-agents]`."""

try:
    import agents as _  # noqa: F401 - whether it is there
except ImportError as error:
    raise ImportError(
        "casework.integrations.openai_agents needs openai-agents: install it with "
        "`pip install 'casework[openai-agents]'`."
    ) from error

from casework.integrations.openai_agents.adapter import current_run, durable
from casework.integrations.openai_agents.questions import question_tool

__all__ = ["current_run", "durable", "question_tool"]
