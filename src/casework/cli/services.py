"""The use cases, each imported at its first use, because printing help and completing words need none of them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from casework.service import activity as activity
    from casework.service import agents as agents
    from casework.service import cases as cases
    from casework.service import dispatch as dispatch
    from casework.service import keys as keys
    from casework.service import labels as labels
    from casework.service import limits as limits
    from casework.service import queues as queues
    from casework.service import requests as requests
    from casework.service import runs as runs
    from casework.service import short_ids as short_ids
    from casework.service import web_sessions as web_sessions
    from casework.service.diagnosis import health as health


_ELSEWHERE = {
    "case_diagnosis": "diagnosis.case",
    "health": "diagnosis.health",
    "queue_diagnosis": "diagnosis.queue",
    "worker_diagnosis": "diagnosis.workers",
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return import_module(f"casework.service.{_ELSEWHERE.get(name, name)}")
