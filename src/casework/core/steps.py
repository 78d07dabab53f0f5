"""Steps: what a run does at least once, and remembers once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid5

from casework.core.model import CaseId
from casework.core.payload import check_text

MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Step:
    """A step that a run has done, or that a retry kept for it."""

    name: str
    value: Any
    created_at: datetime
    """When its result was recorded."""
    awaited: bool = False
    """Whether the agent awaits the result, which is awaited again when it comes from the record."""


def idempotency_key(case_id: CaseId, name: str) -> str:
    """The UUID, version 5, of the name within the case's id: any language's standard library makes the same.

    Raises InvalidInput for a name that no step can have.
    """
    check_name(name)
    return str(uuid5(case_id, name))


def check_name(name: str) -> None:
    """Raise InvalidInput for a name that no step can have."""
    check_text("step's name", name, least=1, most=MAX_NAME)
