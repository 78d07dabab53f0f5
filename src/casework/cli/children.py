"""The processes of a small installation as children of one command, which starts, watches, restarts and stops them."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from casework.embedded import identity
from casework.errors import ServerNotStarted

QUICK_DEATH_SECONDS = 3.0
MAX_RESTART_WAIT_SECONDS = 10.0
KILL_AFTER_SECONDS = 10.0

Tell = Callable[[str, str], None]
"""Takes the name of a child and a line that it wrote."""


@dataclass
class Child:
    """One process, by its name and its command line."""

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    started: float = 0.0
    restarts: int = 0
    restart_at: float = 0.0


class Children:
    """Must be used from the main thread: a child dies with the thread that made it."""

    def __init__(self, children: Sequence[Child], tell: Tell) -> None:
        self.children = list(children)
        self._tell = tell

    def start(self) -> None:
        for child in self.children:
            self._start(child)

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(
            child.command,
            env={**os.environ, **child.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # The terminal's Ctrl-C is for the parent, which stops its children in order.
            start_new_session=True,
            preexec_fn=identity.die_with_parent(signal.SIGKILL),
        )
        child.started = monotonic()
        threading.Thread(target=self._read, args=(child.name, child.process), daemon=True).start()

    def _read(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip():
                self._tell(name, line.rstrip())

    def watch(self) -> None:
        """Restart processes that have ended, with longer and longer waits if one keeps dying at its start."""
        for child in self.children:
            if child.process is None or child.process.poll() is None:
                continue
            now = monotonic()
            if child.restart_at == 0.0:
                quick = now - child.started < QUICK_DEATH_SECONDS
                child.restarts = child.restarts + 1 if quick else 0
                child.restart_at = now + (min(MAX_RESTART_WAIT_SECONDS, 0.5 * 2**child.restarts) if quick else 0.0)
                self._tell(child.name, f"ended with exit code {child.process.returncode}; restarting it")
            if now >= child.restart_at:
                child.restart_at = 0.0
                self._start(child)

    def stop(self, seconds: float) -> None:
        """Ask all to stop, wait a little longer than `seconds`, and kill what is left."""
        for child in self.children:
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        end = monotonic() + seconds + KILL_AFTER_SECONDS
        for child in self.children:
            if child.process is not None:
                try:
                    child.process.wait(max(0.1, end - monotonic()))
                except subprocess.TimeoutExpired:
                    child.process.kill()

    def kill(self) -> None:
        """Kill all at once; the sweep recovers their runs."""
        for child in self.children:
            if child.process is not None and child.process.poll() is None:
                child.process.kill()
        for child in self.children:
            if child.process is not None:
                child.process.wait()

    def check(self) -> None:
        """Raise ServerNotStarted if a child keeps dying at its start."""
        for child in self.children:
            if child.restarts >= 5:
                raise ServerNotStarted(f"The {child.name} keeps ending at its start; its last lines are above.")
