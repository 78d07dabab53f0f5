"""The fixture `run_agent`, which pytest finds by itself. Loading it imports nothing of casework: most tests do not use it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from casework.testing import Result


@pytest.fixture
def run_agent() -> "Callable[..., Result]":
    """Run an agent on a case without servers: `casework.testing.run_agent`."""
    from casework import testing

    return testing.run_agent
