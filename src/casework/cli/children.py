"""The processes of a small installation as children of one command, which starts, watches, restarts and stops them."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from casework.embedded import identity
from casework.errors import ServerNotStarted

if TYPE_CHECKING:
    from casework.forkserver.client import Forked, ForkServer

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
    modules: Sequence[str] = ()
    """What a fork server imports for it before it forks."""
    process: "subprocess.Popen[str] | Forked | None" = None
    started: float = 0.0
    restarts: int = 0
    restart_at: float = 0.0
    held: bool = False
    """Whether it is not started now."""
    killed_at: float | None = None
    """When it is killed, if it was asked to stop and has not."""

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Children:
    """Must be used from the main thread: a child dies with the thread that made it."""

    def __init__(self, children: Sequence[Child], tell: Tell, server: "ForkServer | None" = None) -> None:
        """`server` forks the children; without it, each is an interpreter of its own."""
        self.children = list(children)
        self._tell = tell
        self._server = server

    def start(self) -> None:
        for child in self.children:
            self._start(child)

    def _start(self, child: Child) -> None:
        child.process = (
            self._server.start(child.name, child.command, child.environment, child.modules)
            if self._server
            else _executed(child)
        )
        child.started = monotonic()
        threading.Thread(target=self._read, args=(child.name, child.process), daemon=True).start()

    def _read(self, name: str, process: "subprocess.Popen[str] | Forked") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip():
                self._tell(name, line.rstrip())

    def watch(self) -> None:
        """Restart processes that have ended, with longer and longer waits if one keeps dying at its start."""
        for child in self.children:
            if child.is_running:
                self._kill_if_late(child)
            elif child.held:
                child.process = child.killed_at = None
            elif child.process is None or child.killed_at is not None:
                child.killed_at, child.restarts = None, 0
                self._start(child)
            else:
                self._restart(child, child.process)

    def _kill_if_late(self, child: Child) -> None:
        if child.killed_at is not None and child.process and monotonic() >= child.killed_at:
            child.process.kill()

    def _restart(self, child: Child, ended: "subprocess.Popen[str] | Forked") -> None:
        now = monotonic()
        if child.restart_at == 0.0:
            quick = now - child.started < QUICK_DEATH_SECONDS
            child.restarts = child.restarts + 1 if quick else 0
            child.restart_at = now + (min(MAX_RESTART_WAIT_SECONDS, 0.5 * 2**child.restarts) if quick else 0.0)
            self._tell(child.name, f"ended with exit code {ended.returncode}; restarting it")
        if now >= child.restart_at:
            child.restart_at = 0.0
            self._start(child)

    def replace(self, child: Child, seconds: float) -> None:
        """Ask it to stop, for which it may take so many seconds and a little longer, and let `watch` start it again."""
        child.held = False
        self._ask_to_stop(child, seconds)

    def hold(self, child: Child, seconds: float) -> None:
        """Ask it to stop, and start it no more until it is replaced."""
        child.held = True
        self._ask_to_stop(child, seconds)

    def _ask_to_stop(self, child: Child, seconds: float) -> None:
        if child.process is not None and child.is_running and child.killed_at is None:
            child.killed_at = monotonic() + seconds + KILL_AFTER_SECONDS
            child.process.send_signal(signal.SIGTERM)

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


def _executed(child: Child) -> subprocess.Popen[str]:
    return subprocess.Popen(
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
