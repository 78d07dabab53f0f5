"""Threads that promises hang on: each is started again when it ends."""

import threading
from collections.abc import Callable
from time import sleep

from casework import events

RESTART_SECONDS = 0.5


def keep_running(name: str, target: Callable[[], None]) -> threading.Thread:
    """Run `target` in a daemon thread, and again whenever it returns or raises, until the process ends."""

    def run() -> None:
        while True:
            try:
                target()
                error = "it returned"
            except BaseException as raised:
                error = f"{type(raised).__name__}: {raised}"
            events.emit(events.ThreadRestarted(name, error))
            sleep(RESTART_SECONDS)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
