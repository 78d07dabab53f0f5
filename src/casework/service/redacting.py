"""Secrets of the settings stay out of what is stored of a run."""

from dataclasses import replace

from casework.agents.results import Crashed, Result
from casework.redaction import redacted
from casework.settings import Settings


def without_secrets(result: Result, settings: Settings) -> Result:
    """The result; an agent's error may quote what it found in its environment, and anybody in the team may read it."""
    if not isinstance(result, Crashed):
        return result
    urls = (settings.database_url, settings.redis_url)
    error = redacted(result.traceback, urls) if result.traceback else None
    return replace(result, reason=redacted(result.reason, urls), traceback=error)
