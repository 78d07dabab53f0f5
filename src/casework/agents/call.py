"""Calling an agent's function, and naming what came of it as a value."""

import asyncio
import concurrent.futures
import threading
import traceback
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from casework.agents.decorator import Agent
from casework.agents.outcomes import Complete, Fail, HandOver, Outcome, Postpone
from casework.agents.run import Run
from casework.agents.stop import Interrupted, Stop, Suspended
from casework.core.payload import check_text, storable
from casework.core.retry import is_transient
from casework.errors import InvalidInput, RunLost


@dataclass(frozen=True, slots=True)
class Returned:
    """The function returned an outcome."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Asked:
    """The function waits for a person."""

    question: Suspended


@dataclass(frozen=True, slots=True)
class Stopped:
    """The function stopped because it was asked to."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The function tried to write although the run no longer holds its case."""


@dataclass(frozen=True, slots=True)
class Crashed:
    """The function raised an error, or returned no outcome."""

    reason: str
    traceback: str | None
    transient: bool


Result = Returned | Asked | Stopped | Lost | Crashed


def call(agent: Agent, run: Run, stop: Stop) -> Result:
    """Call the agent and wait for it, however it ends."""
    try:
        returned = _call_async(agent, run, stop) if agent.is_async else agent(run)
    except Suspended as question:
        return Asked(question)
    except (Interrupted, concurrent.futures.CancelledError):
        return Stopped() if stop.requested else Crashed("The agent cancelled itself.", traceback.format_exc(), False)
    except RunLost:
        return Lost()
    except Exception as error:
        return Crashed(storable(_summary(error)), storable(traceback.format_exc()), is_transient(error))
    except SystemExit as error:
        return Crashed(storable(f"The agent called exit({error.code!r})."), storable(traceback.format_exc()), False)
    if isinstance(returned, Complete | Fail | Postpone | HandOver):
        return _checked(returned)
    if returned is None:
        return Crashed(
            "The agent returned no outcome: every branch must return Complete, Fail, Postpone or HandOver.", None, False
        )
    return Crashed(f"The agent returned {type(returned).__name__} instead of an outcome.", None, False)


def _checked(outcome: Outcome) -> Returned | Crashed:
    """An outcome with what cannot be stored is found before others share a statement with it."""
    try:
        if outcome.reason is not None:
            check_text("reason", outcome.reason)
        if isinstance(outcome, HandOver):
            check_text("agent to hand over to", outcome.to)
    except InvalidInput as error:
        return Crashed(f"The agent returned {type(outcome).__name__}, but it cannot be stored: {error}", None, False)
    return Returned(outcome)


def _summary(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text}"[:2000] if text else type(error).__name__


def _call_async(agent: Agent, run: Run, stop: Stop) -> Outcome:
    """Run a coroutine function on the process's loop; a stop cancels it, and the call returns once it has unwound."""
    loop = event_loop()

    async def supervised() -> Outcome:
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        stop.on_request(lambda: loop.call_soon_threadsafe(task.cancel))
        return await cast(Awaitable[Outcome], agent(run))

    return asyncio.run_coroutine_threadsafe(supervised(), loop).result()


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    """The one loop of this process, in a thread of its own, shared by all its async agents."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="casework-agents", daemon=True).start()
    return loop
