"""Serving the application with uvicorn."""

import uvicorn

from casework import events, log
from casework.api.app import create_app
from casework.settings import read_settings
from casework.wiring import connect, when_available

THREADS = 20
"""Database connections of the API: how many requests are worked on at once."""


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises InvalidSettings."""
    settings = read_settings()
    log.configure(settings.log_level, settings.log_format)
    # Not checked: it serves at once, and answers 503 for as long as the database is away, or at another schema.
    casework = when_available(lambda: connect(application="casework api", pool_size=THREADS, checked=False))
    events.emit(events.ApiStarting(f"http://{host}:{port}"))
    uvicorn.run(
        create_app(casework),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
        server_header=False,
    )
