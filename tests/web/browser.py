"""A real browser, and the page served by this process for it."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Playwright

from casework.api.app import create_app
from casework.wiring import Casework
from patience import PATIENCE, wait_for

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def found_browser() -> str | None:
    """Where the browser is: CASEWORK_TEST_BROWSER, or Chromium or Chrome in the PATH."""
    if named := os.environ.get("CASEWORK_TEST_BROWSER"):
        return named
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


def launched(playwright: Playwright, path: str) -> Browser:
    """The browser. It reaches nothing but this machine."""
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS)


@contextmanager
def served(casework: Casework, port: int = 0, **options: Any) -> Iterator[tuple[str, Any]]:
    """The API with the page, in a thread: its address, and the application."""
    app = create_app(casework)
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=port, log_config=None, access_log=False, timeout_graceful_shutdown=3, **options
        )
    )
    app.state.waiting.ending = app.state.web.live.ending = lambda: server.should_exit
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_for(lambda: server.started, "the server")
        bound = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{bound}", app
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
