"""The side that asks for processes."""

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count, takewhile
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from threading import RLock
from time import monotonic
from typing import IO, Any

from casework.forkserver import LONGEST_MESSAGE
from casework.forkserver.server import serve

LOST = -signal.SIGKILL
"""The exit code of the processes of a server that has ended: the kernel kills them with it."""

_READ_SECONDS = 0.1


class Forked:
    """A process that the server was asked for; used like a `subprocess.Popen`."""

    def __init__(self, server: "ForkServer", id: int, stdout: IO[str] | None) -> None:
        self._server, self._id = server, id
        self.stdout = stdout
        """What it writes, to standard error too, unless it writes somewhere else."""
        self.returncode: int | None = None
        self.started: int | None = None

    @property
    def pid(self) -> int:
        """Its number, once it has started; 0 if it has not, because the server has ended."""
        while self.poll() is None and self.started is None:
            self._server.wait(None)
        return self.started or 0

    def poll(self) -> int | None:
        """The exit code, if it has ended: negative for a signal."""
        if self.returncode is None:
            self._server.read()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if end is None else end - monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired(f"process {self._id}", timeout or 0.0)
            self._server.wait(left)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            self._server.ask({"id": self._id, "signal": int(number)})

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The server and its processes. They do not outlive the thread that made it; any thread may ask.

    If a server has ended, the next request starts another one, as an interpreter of its own.
    """

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        ignored_warnings: Sequence[str] = (),
        *,
        is_fork: bool = False,
    ) -> None:
        """`environment` are variables that what is imported sees, `ignored_warnings` patterns of the beginnings of warnings
        that no process gives. With `is_fork` the first server is a fork of this process, and shares what that has imported;
        it must have one thread and no connection then."""
        self._options = (environment or {}, ignored_warnings)
        self._ids = count(1)
        self._living: dict[int, Forked] = {}
        self._lock = RLock()
        self._process: BaseProcess | None = None
        self._connection: socket.socket | None = None
        self._connect("fork" if is_fork else "spawn")

    def load(self, modules: Sequence[str]) -> None:
        """Import modules, and return before that is done. What is started later finds them imported."""
        self.ask({"modules": [*modules]})

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        modules: Sequence[str] = (),
        *,
        output: int | None = None,
    ) -> Forked:
        """Run a command line that is `python -m MODULE ...`, or that behind `env NAME=VALUE ...`, once these modules are
        imported. `environment` are more variables, and `output` is the descriptor that it writes to instead of `stdout`."""
        given, module = _read(command)
        reading, writing = (None, os.dup(output)) if output is not None else os.pipe()
        stdout = None if reading is None else os.fdopen(reading, errors="replace")
        with self._lock:
            id = next(self._ids)
            forked = self._living[id] = Forked(self, id, stdout)
            asked = {"name": name, "start": module, "environment": {**(environment or {}), **given}}
            self.ask({"id": id, "modules": [*modules], **asked}, writing)
        os.close(writing)
        return forked

    def ask(self, message: dict[str, Any], *descriptors: int) -> None:
        """Send a request. If the server is gone, so are its processes, and `poll` says it."""
        with self._lock:
            connection = self._connection or self._connect("spawn")
            try:
                socket.send_fds(connection, [json.dumps(message).encode()], descriptors)
            except ConnectionError:
                self._lose()

    def read(self) -> None:
        """Note which processes have started, and which have ended."""
        with self._lock:
            while self._connection is not None:
                message = b""
                try:
                    message = self._connection.recv(LONGEST_MESSAGE, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    return
                except ConnectionError:
                    pass
                if not message:
                    self._lose()
                    return
                self._note(json.loads(message))

    def _note(self, found: dict[str, int]) -> None:
        if "ended" in found:
            self._living.pop(found["id"]).returncode = found["ended"]
        else:
            self._living[found["id"]].started = found["pid"]

    def wait(self, seconds: float | None) -> None:
        """Wait until there is something to read, or that long, but not for what another thread may read meanwhile."""
        with self._lock:
            connection = self._connection
        if connection is not None:
            # It may be closed by now.
            with suppress(OSError, ValueError):
                select.select([connection], [], [], _READ_SECONDS if seconds is None else min(seconds, _READ_SECONDS))

    def close(self) -> None:
        """End the server, and what it still has."""
        with self._lock:
            self._lose()

    def _connect(self, method: str) -> socket.socket:
        self._connection, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # As long as the server has the client's end too, it does not notice that the client is gone.
        not_its = self._connection if method == "fork" else None
        # The collector would write to all that is shared.
        gc.freeze()
        context: Any = get_context(method)
        with its:
            self._process = context.Process(target=serve, args=(its, not_its, os.getpid(), *self._options))
            self._process.start()
        return self._connection

    def _lose(self) -> None:
        """Forget the server. Its processes die with it."""
        if self._connection is not None and self._process is not None:
            self._connection.close()
            self._process.kill()
            self._process.join()
        self._connection = self._process = None
        for forked in self._living.values():
            forked.returncode = LOST
        self._living.clear()


def _read(command: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The variables of a command line, and its module with the arguments."""
    words = [*command]
    given: dict[str, str] = {}
    if words[0].endswith("/env"):
        given = dict(word.split("=", 1) for word in takewhile(lambda word: "=" in word, words[1:]))
        words = words[1 + len(given) :]
    if words[:2] != [sys.executable, "-m"]:
        raise ValueError(f"{command} runs no module of this Python")
    return given, words[2:]
