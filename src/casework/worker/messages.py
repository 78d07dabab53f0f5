"""What a message for workers holds, checked: whoever can write to the broker must not thereby end anything."""

from typing import Any
from uuid import UUID

from casework.broker.rejected import rejected
from casework.core.effects import Bundle, RunMessage
from casework.core.model import RunId


def read_bundle(runs: Any = None) -> Bundle:
    """The runs that a message names, without what names none."""
    if not isinstance(runs, list | tuple):
        rejected.add("runs", f"a {type(runs).__name__} and not a list of runs")
        return ()
    return tuple(message for one in runs if (message := _read(one)))


def _as_uuid(text: str) -> UUID:
    """As UUID(text) reads what casework sends, in half of its time."""
    digits = text.replace("-", "")
    if len(digits) != 32:
        raise ValueError(text)
    return UUID(int=int(digits, 16))


def _read(one: Any) -> RunMessage | None:
    try:
        run_id, attempt = one
        if type(attempt) is not int or not 0 < attempt < 2**31:
            raise ValueError(attempt)
        return RunMessage(RunId(_as_uuid(run_id)), attempt)
    except (ValueError, TypeError, AttributeError):
        rejected.add("runs", f"a {type(one).__name__} that is not a run and its attempt")
        return None
