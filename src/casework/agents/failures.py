"""From what an agent raised to a result, whatever it raised.

Agents raise what their libraries raise: groups, cancellations and time-outs that are not an `Exception`, errors that
cannot be turned into text. Each becomes a result at once, because a run without one is repeated when its lease is over.
"""

import asyncio
import concurrent.futures
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from casework.agents import lookups
from casework.agents.results import Asked, Crashed, Lost, Stopped
from casework.agents.stop import Interrupted, Stop, Suspended
from casework.core.payload import storable
from casework.core.transient import is_a, is_transient, leaves, retry_after
from casework.errors import RunLost

T = TypeVar("T")

MAX_REASON = 2000

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
        return Asked(cast(Suspended, held[0]))
    return crashed(error)


def crashed(error: BaseException) -> Crashed:
    """The failure. Its reason names the first error in a group."""
    trace = _or_else(lambda: "".join(traceback.format_exception(error)), _without_text(error))
    reason = _summary(leaves(error)[0])
    if _DAEMONIC in trace:
        reason = f"{reason}. {_NEEDS_THREADS}"
    return Crashed(
        storable(reason),
        storable(trace),
        _or_else(lambda: is_transient(error), False),
        _or_else(lambda: retry_after(error, datetime.now(UTC)), None),
    )


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
        return f"The agent called exit({shown(_plainly(error, 'code'))})."
    if is_a(error, *_CANCELLED):
        return f"{type(error).__name__}: the agent was cancelled, although nobody asked its run to stop"
    explained = _or_else(lambda: lookups.explain(error), None)
    return f"{explained} ({describe(error)})"[:MAX_REASON] if explained else describe(error)


def _without_text(error: BaseException) -> str:
    nothing: list[str] = []
    lines = _or_else(lambda: traceback.format_tb(_plainly(error, "__traceback__")), nothing)
    return "".join(["Traceback (most recent call last):\n", *lines, type(error).__name__])


def _ends_the_process(error: BaseException) -> bool:
    """Whether a signal to end reached this process of a pool, whose handler raises SystemExit into the agent."""
    frame = _plainly(error, "__traceback__") if is_a(error, SystemExit) else None
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    module = str(frame.tb_frame.f_globals.get("__name__")) if frame else ""
    return module.partition(".")[0] in ("billiard", "celery")


def _plainly(error: BaseException, name: str) -> Any:
    """One of Python's own attributes of errors, without asking the error's own code."""
    return object.__getattribute__(error, name)


def _or_else(read: Callable[[], T], default: T) -> T:
    """The result of `read`, or the default: an error's own code may raise anything."""
    try:
        return read()
    except BaseException:
        return default
