"""Waiting for what another process does, and not for a length of time."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

PATIENCE = 60.0


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Poll until the condition holds, and return it."""
    end = monotonic() + PATIENCE
    while not (found := condition()):
        assert monotonic() < end, f"waited {PATIENCE:g} s for {what}"
        sleep(0.02)
    return found
