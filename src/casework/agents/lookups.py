"""Explains the most frequent mistake of an agent: it looks for a field that the data of its case does not have."""

import re
import sysconfig
from pathlib import Path
from types import TracebackType

_LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))

_WITHOUT_FIELDS = (
    (re.compile("^string indices must be integers"), "text has no fields"),
    (re.compile("^list indices must be integers"), "a list has no fields"),
    (re.compile("^'NoneType' object is not subscriptable"), "null has no fields"),
    (re.compile("^'(int|float)' object is not subscriptable"), "a number has no fields"),
    (re.compile("^'bool' object is not subscriptable"), "true and false have no fields"),
)


def explain(error: BaseException) -> str | None:
    """What was looked up, and where; None for another error, or one in a library, whose line says nothing to a reader."""
    problem = _problem(error)
    place = _place(error.__traceback__) if problem else None
    return f"{place}: {problem}" if place else None


def _problem(error: BaseException) -> str | None:
    if type(error) is KeyError and len(error.args) == 1 and isinstance(error.args[0], str):
        return f"there is no {error.args[0]!r}"
    if type(error) is TypeError:
        return next((words for pattern, words in _WITHOUT_FIELDS if pattern.match(str(error))), None)
    return None


def _place(trace: TracebackType | None) -> str | None:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return None
    file = trace.tb_frame.f_code.co_filename
    return None if file.startswith((*_LIBRARIES, "<")) else f"{Path(file).name}, line {trace.tb_lineno}"
