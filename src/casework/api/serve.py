"""Serving the application with uvicorn."""

import asyncio
import gc
import logging
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, Literal, cast

import uvicorn

from casework import events, log
from casework.api.app import READS, create_app
from casework.api.connections import Room, connections_that_fit
from casework.api.log_flood import FloodFilter
from casework.settings import read_settings
from casework.store.database import Database
from casework.wiring import connect, when_available

THREADS = 20
"""Database connections of the API for writes, keys and health: how many of these requests are worked on at once."""


LOOK_SECONDS = 0.25
"""How often the server looks whether it is to end. uvicorn looks ten times a second, which is most of what an idle API costs."""


def event_loop() -> Literal["asyncio", "uvloop"]:
    """uvicorn's name of the event loop: the faster one, if it is installed."""
    return "uvloop" if find_spec("uvloop") else "asyncio"


class _Server(uvicorn.Server):
    async def main_loop(self) -> None:
        # At every tenth number, and so at 0, the header with the date is made.
        while not await self.on_tick(0):
            await asyncio.sleep(LOOK_SECONDS)


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises InvalidSettings."""
    settings = read_settings()
    log.configure(settings.log_level, settings.log_format)
    for handler in logging.getLogger().handlers:
        handler.addFilter(FloodFilter())
    # The schema is not checked: the API serves at once, and answers 503 while the database is unavailable or at
    # another schema.
    casework = when_available(
        lambda: connect(application="casework api", pool_size=THREADS, checked=False, claims_at_once=True)
    )
    reads = Database(
        casework.db.url, application="casework api reads", pool_size=READS, statement_seconds=settings.api_read_seconds
    )
    room = Room(connections_that_fit(settings.api_connections))
    app = create_app(casework, reads)
    # Exempt what is loaded now from garbage collection. Otherwise each large body makes the collector traverse
    # all of it, which takes ten times as long as parsing and holds the interpreter lock.
    gc.freeze()
    events.emit(events.ApiStarting(f"http://{host}:{port}", room.most))
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            loop=event_loop(),
            http=cast("Any", room.protocol),
            log_config=None,
            ws="none",
            access_log=False,
            timeout_graceful_shutdown=5,
            server_header=False,
            h11_max_incomplete_event_size=32 * 1024,
        )
    )
    app.state.waiting.ending = app.state.web.live.ending = lambda: server.should_exit
    try:
        with suppress(KeyboardInterrupt):
            server.run()
    finally:
        reads.close()
        casework.close()
