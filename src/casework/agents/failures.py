"""From what an agent raised to a result, whatever it raised.

Agents raise what their libraries raise: groups, cancellations and time-outs that are not an `Exception`, errors that
cannot be turned into text. Each becomes a result at once, because a run without one is repeated when its lease is over.
"""

import asyncio
import concurrent.futures
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, TypeVar, cast

from casework.agents import lookups
from casework.agents.results import Asked, Crashed, Lost, Stopped
from casework.agents.stop import Interrupted, Stop, Suspended
from casework.core.payload import MAX_REASON, storable
from casework.core.requests import MAX_GROUP, Placed
from casework.core.transient import is_a, is_transient, leaves, retry_after
from casework.errors import RunLost

T = TypeVar("T")

MAX_TRACE = 200_000

_CANCELLED = (Interrupted, asyncio.CancelledError, concurrent.futures.CancelledError)

_DAEMONIC = "daemonic processes are not allowed to have children"
_NEEDS_THREADS = (
    "A prefork worker's processes may not start others with multiprocessing: "
    "run this agent in a worker that is started with `casework worker --pool threads`."
)


def result_of(error: BaseException, stop: Stop) -> Asked | Stopped | Lost | Crashed:
    """The result of an agent that raised this; casework's own signals count also inside groups."""
    held = leaves(error)
    if any(is_a(one, RunLost) for one in held):
        return Lost()
    if _ends_the_process(error) or (stop.requested and any(is_a(one, *_CANCELLED) for one in held)):
        return Stopped()
    if all(is_a(one, Suspended) for one in held):
        return Asked(_together([cast(Suspended, one) for one in held]))
    return crashed(error)


def _together(waits: Sequence[Suspended]) -> Suspended:
    """One wait for everything that tasks asked side by side. A question that several of them asked is asked once."""
    placed: dict[object, Placed] = {}
    for one in chain.from_iterable(wait.placed for wait in waits):
        placed.setdefault((one.position, one.request.key, one.request.content), one)
    return Suspended(*[*placed.values()][:MAX_GROUP])


def crashed(error: BaseException) -> Crashed:
    """The failure. Its reason names the first error in a group."""
    trace = _traceback(error)
    reason = _summary(leaves(error)[0])
    if _DAEMONIC in trace:
        reason = f"{reason}. {_NEEDS_THREADS}"
    return Crashed(
        storable(reason),
        storable(_shortened(trace)),
        _or_else(lambda: is_transient(error), False),
        _or_else(lambda: retry_after(error, datetime.now(UTC)), None),
    )


def traceback_of(error: BaseException | None) -> str | None:
    """The traceback as it is stored, whatever the error's own code does; None if there is no error."""
    return None if error is None else storable(_traceback(error))


def _traceback(error: BaseException) -> str:
    return _or_else(lambda: "".join(traceback.format_exception(error)), _without_text(error))


def describe(error: BaseException) -> str:
    """The error's type and text, whatever its own code does."""
    name = type(error).__name__
    text = _or_else(lambda: str(error).strip(), "(its text cannot be read)")
    return f"{name}: {text}"[:MAX_REASON] if text else name


def shown(value: object) -> str:
    """The value as code would write it, whatever its own code does."""
    return _or_else(lambda: repr(value)[:MAX_REASON], f"<{type(value).__name__}>")


def _summary(error: BaseException) -> str:
    if is_a(error, SystemExit):
        return f"The agent called exit({shown(_plainly(error, SystemExit, 'code'))})."
    if is_a(error, *_CANCELLED):
        return f"{type(error).__name__}: the agent was cancelled, although nobody asked its run to stop"
    explained = _or_else(lambda: lookups.explain(error), None)
    return f"{explained} ({describe(error)})"[:MAX_REASON] if explained else describe(error)


def _without_text(error: BaseException) -> str:
    nothing: list[str] = []
    lines = _or_else(lambda: traceback.format_tb(_plainly(error, BaseException, "__traceback__")), nothing)
    return "".join(["Traceback (most recent call last):\n", *lines, type(error).__name__])


def _ends_the_process(error: BaseException) -> bool:
    """Whether a signal to end reached this process of a pool, whose handler raises SystemExit into the agent."""
    frame = _plainly(error, BaseException, "__traceback__") if is_a(error, SystemExit) else None
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    module = str(frame.tb_frame.f_globals.get("__name__")) if frame else ""
    return module.partition(".")[0] in ("billiard", "celery")


def places(error: BaseException) -> list[tuple[str, int]]:
    """The files and lines that led to the error, outermost first; the last of a syntax error is its own."""
    frames = traceback.walk_tb(_plainly(error, BaseException, "__traceback__"))
    found = [(frame.f_code.co_filename, line) for frame, line in frames]
    if is_a(error, SyntaxError):
        found.append((_plainly(error, SyntaxError, "filename"), _plainly(error, SyntaxError, "lineno")))
    return [(file, line) for file, line in found if isinstance(file, str) and isinstance(line, int)]


def _plainly(error: BaseException, owner: type[BaseException], name: str) -> Any:
    """An attribute that Python's own type of error has, without asking the error's own code."""
    return vars(owner)[name].__get__(error)


def _shortened(trace: str) -> str:
    """Its beginning and its end, if it is very long: an error may quote megabytes, or stand for thousands of others."""
    left_out = len(trace) - MAX_TRACE
    if left_out <= 0:
        return trace
    half = MAX_TRACE // 2
    return f"{trace[:half]}\n[{left_out} characters are left out]\n{trace[-half:]}"


def _or_else(read: Callable[[], T], default: T) -> T:
    """The result of `read`, or the default: an error's own code may raise anything."""
    try:
        return read()
    except BaseException:
        return default
