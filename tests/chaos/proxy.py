"""A line to PostgreSQL that can be cut: a TCP port whose connections end at the server's socket."""

import socket
import threading
from contextlib import suppress
from pathlib import Path


class Proxy:
    """Forwards bytes both ways, until it is cut; then it refuses, until it is healed."""

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self._cut = False
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Drop all connections, and every new one."""
        with self._lock:
            self._cut = True
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def heal(self) -> None:
        """Forward again."""
        with self._lock:
            self._cut = False

    def _accept(self) -> None:
        while True:
            near, _ = self._listening.accept()
            far = socket.socket(socket.AF_UNIX)
            with self._lock:
                cut = self._cut
            try:
                if cut:
                    raise ConnectionRefusedError
                far.connect(self._target)
            except OSError:
                near.close()
                far.close()
                continue
            with self._lock:
                self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_forward, args=(source, sink), daemon=True).start()


def _forward(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
