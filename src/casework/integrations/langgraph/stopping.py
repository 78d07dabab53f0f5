"""Stopping a graph in the middle, so that what was under way and can be finished is not done again."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from langgraph.runtime import RunControl

from casework.agents.runners.event_loop import running_threads
from casework.errors import RunLost

T = TypeVar("T")

TURNS = 50
"""Turns of the event loop in which a result that is there comes to be stored: it passes through several tasks."""

HOPS = 3
"""Threads, one after the other, that a result may need: a node's own, and those of the edges that lead on."""


async def stoppable(graph: Coroutine[Any, Any, T], control: RunControl) -> T:
    """The result of a graph. If this is cancelled, nodes that wait for something are cancelled at once.

    Plain nodes and tools run in threads, which nothing can end. So the graph is cancelled when those that run have returned and
    their results are stored, and it starts no node in the meantime.
    """
    task = asyncio.ensure_future(graph)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        control.request_drain("the run is asked to stop")
        await _without_cancellation(_what_is_over_is_stored())
        task.cancel()
        await _without_cancellation(asyncio.wait([task]))
        if not task.cancelled() and isinstance(error := task.exception(), RunLost):
            raise error from None
        raise


async def _what_is_over_is_stored() -> None:
    for _ in range(HOPS):
        if threads := running_threads():
            await asyncio.wait([asyncio.wrap_future(thread) for thread in threads])
        for _ in range(TURNS):
            await asyncio.sleep(0)
            if running_threads():
                break


async def _without_cancellation(wait: Coroutine[Any, Any, Any]) -> None:
    """Wait, and let nothing cut it short: what it waits for ends."""
    task = asyncio.ensure_future(wait)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
