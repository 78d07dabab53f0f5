"""Waiting for what another process does, and not for a length of time."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

PATIENCE = 60.0


def wait_for(condition: Callable[[], Any], what: str, every: float = 0.02, patience: float = PATIENCE) -> Any:
    """Poll until the condition holds, and return it. Times are in seconds. Raises TimeoutError."""
    end = monotonic() + patience
    while not (found := condition()):
        if monotonic() > end:
            raise TimeoutError(f"waited {patience:g} s for {what}")
        sleep(every)
    return found
