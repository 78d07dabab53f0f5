"""The side that imports and forks."""

import ctypes
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from typing import Any

from casework.embedded import identity
from casework.embedded.wakeup import Wakeup
from casework.forkserver import LONGEST_MESSAGE

_PR_SET_NAME = 15


def serve(
    connection: socket.socket,
    clients: socket.socket | None,
    parent: int,
    environment: Mapping[str, str],
    ignored_warnings: Sequence[str],
) -> None:
    """Do what the client asks for, until it goes away. `clients` is its end of the connection, if that was inherited, and
    `parent` its process."""
    gc.disable()
    if clients is not None:
        clients.close()
    os.setsid()
    identity.die_with_parent(signal.SIGKILL)()
    if os.getppid() != parent:
        return
    os.environ.update(environment)
    for message in ignored_warnings:
        warnings.filterwarnings("ignore", message)
    # The terminal's Ctrl-C is for the client, which stops all in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _Server(connection, Wakeup()).serve()


class _Server:
    def __init__(self, connection: socket.socket, wakeup: Wakeup) -> None:
        self._connection, self._wakeup = connection, wakeup
        self._living: dict[int, ForkProcess] = {}
        self._die_with_server = identity.die_with_parent(signal.SIGKILL)

    def serve(self) -> None:
        while True:
            asked, ended = self._connection.fileno(), self._wakeup.reader
            ready, _, _ = select.select([asked, ended], [], [])
            if ended in ready:
                self._wakeup.drain()
                self._report_ended()
            if asked in ready:
                message, descriptors, _, _ = socket.recv_fds(self._connection, LONGEST_MESSAGE, 1)
                if not message:
                    return
                self._do(json.loads(message), descriptors)

    def _do(self, asked: dict[str, Any], descriptors: Sequence[int]) -> None:
        for module in asked.get("modules", ()):
            # If it cannot be imported, the process that needs it says so.
            with suppress(Exception):
                import_module(module)
        if "signal" in asked:
            # One that has ended and is not reported yet is a zombie, so its number belongs to nobody else.
            if (process := self._living.get(asked["id"])) and process.pid:
                os.kill(process.pid, asked["signal"])
        elif "start" in asked:
            self._start(asked, descriptors[0])

    def _start(self, asked: dict[str, Any], output: int) -> None:
        # The collector would write to all that the processes share.
        gc.freeze()
        parent = os.getpid()

        def run() -> None:
            self._become(asked["name"], asked["environment"], output, parent)
            sys.argv = asked["start"]
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)

        process = self._living[asked["id"]] = _fork(run)
        os.close(output)
        self._report({"id": asked["id"], "pid": process.pid})

    def _become(self, name: str, environment: Mapping[str, str], output: int, parent: int) -> None:
        """What a shell and a new interpreter would do for a process."""
        os.setsid()
        self._die_with_server()
        if os.getppid() != parent:
            os._exit(1)
        self._wakeup.close()
        self._connection.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        os.environ.update(environment)
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)
        gc.enable()

    def _report_ended(self) -> None:
        for id, process in list(self._living.items()):
            if process.exitcode is not None:
                del self._living[id]
                self._report({"id": id, "ended": process.exitcode})

    def _report(self, message: dict[str, int | None]) -> None:
        # If the client is gone, the next look at the connection says so.
        with suppress(ConnectionError):
            self._connection.send(json.dumps(message).encode())


def _fork(run: Callable[[], None]) -> ForkProcess:
    """A process that runs that, and ends without unwinding what is on this one's stack."""
    process = get_context("fork").Process(target=run)
    process.start()
    return process
