"""What a run keeps for itself from attempt to attempt: `run.state`."""

from typing import Protocol

from casework.agents.stop import Stop
from casework.core.payload import check_text
from casework.core.state import MAX_NAME, check_name, check_value


class StateBackend(Protocol):
    """Where states are kept. Every call is fenced, and raises RunLost if the run no longer holds its case."""

    def load_state(self, name: str) -> bytes | None:
        """The bytes under that name; None if there are none."""

    def save_state(self, name: str, value: bytes) -> None:
        """Keep the bytes, instead of those that the name has."""

    def state_names(self, prefix: str) -> list[str]:
        """The names that begin so, in their order."""

    def delete_state(self, name: str) -> None:
        """Forget the bytes under that name, if there are any."""


class RunState:
    """Bytes under names, kept with the run until its case is deleted: a framework's checkpoints, for example.

    Each call raises RunLost if the run no longer holds its case. Reading is a point at which an interrupt can reach a
    plain function. Saving is none: what was finished before a stop is kept.
    """

    def __init__(self, backend: StateBackend, stop: Stop) -> None:
        self._backend, self._stop = backend, stop

    def load(self, name: str) -> bytes | None:
        """The bytes that were saved last under that name; None if there are none."""
        self._stop.check()
        check_name(name)
        return self._backend.load_state(name)

    def save(self, name: str, value: bytes) -> None:
        """Keep the bytes. Raises InvalidInput for a name that is empty or longer than 200 characters, and for more than
        16 MiB; over HTTP, a request's largest body is the limit."""
        check_value(name, value)
        self._backend.save_state(name, value)

    def names(self, prefix: str = "") -> list[str]:
        """The names that begin so, in the order of their characters."""
        self._stop.check()
        check_text("prefix", prefix, most=MAX_NAME)
        return self._backend.state_names(prefix)

    def delete(self, name: str) -> None:
        """Forget what is kept under that name. Nothing happens if there is nothing."""
        check_name(name)
        self._backend.delete_state(name)
