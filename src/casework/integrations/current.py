"""The run that an agent of a framework works for."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from casework.agents import Run

_run: ContextVar[Run] = ContextVar("casework_run")


def current_run() -> Run:
    """The run that the calling tool or node belongs to. Raises LookupError outside of one.

    It gives what must not happen twice its key: `current_run().idempotency_key(f"pay {tool_call_id}")`.
    """
    return _run.get()


@contextmanager
def working_for(run: Run) -> Iterator[None]:
    """Make it the current run within the block."""
    token = _run.set(run)
    try:
        yield
    finally:
        _run.reset(token)
