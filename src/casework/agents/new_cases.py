"""Cases and labels as an agent's author writes them: as mappings."""

from collections.abc import Mapping
from typing import Any

from casework.core.model import LabelRef, NewCase, Priority
from casework.core.names import check_fields
from casework.errors import InvalidInput

_CASE_FIELDS = ("title", "data", "labels", "priority", "key", "ready_at")


def new_case(given: Mapping[str, Any]) -> NewCase:
    """A new case from a mapping with title, data, labels, priority, key and ready_at; a label is a mapping with value and
    key.

    Raises InvalidInput for a name that does not exist, with the nearest one, for a title that is missing or not text, and
    for a priority that does not exist.
    """
    if not isinstance(given, Mapping):
        raise InvalidInput(f"A case is a mapping with a title and other fields (got {given!r:.100}).")
    check_fields(given, _CASE_FIELDS, "case field")
    if "title" not in given:
        raise InvalidInput("The case has no title.")
    priority = priority_of(given.get("priority", Priority.NONE))
    labels = given.get("labels", ())
    if not isinstance(labels, list | tuple):
        raise InvalidInput(f"The labels of a case are a list of mappings with value and key (got {labels!r:.100}).")
    refs = tuple(map(label_of, labels))
    return NewCase(given["title"], given.get("data", ""), refs, priority, given.get("key"), given.get("ready_at"))


def priority_of(given: Any) -> Priority:
    """The priority with that name. Raises InvalidInput."""
    if given not in list(Priority):
        raise InvalidInput(f"The priority {given!r} does not exist; known: {', '.join(Priority)}.")
    return Priority(given)


def label_of(given: Any) -> LabelRef:
    """A label from a mapping. Raises InvalidInput."""
    if isinstance(given, LabelRef):
        return given
    if not isinstance(given, Mapping):
        raise InvalidInput(f"A label is a mapping with value and key (got {given!r:.100}).")
    check_fields(given, ("value", "key"), "label field")
    if "value" not in given:
        raise InvalidInput("The label has no value.")
    return LabelRef(given["value"], given.get("key", ""))
