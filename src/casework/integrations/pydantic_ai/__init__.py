"""Agents of pydantic-ai as agents of casework. Needs `casework[pydantic-ai]`."""

try:
    import pydantic_ai as _  # noqa: F401 - whether it is there
except ImportError as error:
    raise ImportError(
        "casework.integrations.pydantic_ai needs pydantic-ai: install it with `pip install 'casework[pydantic-ai]'`."
    ) from error

from casework.integrations.current import current_run
from casework.integrations.pydantic_ai.adapter import durable

__all__ = ["current_run", "durable"]
