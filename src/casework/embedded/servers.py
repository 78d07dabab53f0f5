"""The two servers as child processes: how each is made ready, started, asked whether it serves, and stopped."""

import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Protocol

from casework.embedded import binaries, identity
from casework.embedded.home import SUPERUSER, Home
from casework.embedded.private import open_file
from casework.errors import ServerNotStarted

START_SECONDS = 60.0
STOP_SECONDS = 20.0


class Server(Protocol):
    """A server that the supervisor starts, watches and stops."""

    name: str
    process: subprocess.Popen[bytes] | None

    def start(self) -> None:
        """Start the process. Raises ServerNotStarted."""

    def serves(self) -> bool:
        """Whether it takes connections now."""

    def stop(self) -> None:
        """Stop it, keeping its data, and wait."""


def _spawn(home: Home, name: str, command: list[str], before_exec: Callable[[], None]) -> subprocess.Popen[bytes]:
    with open_file(home.log(name), "ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Not the home: whom PostgreSQL runs as may not be able to come there.
            cwd="/",
            start_new_session=True,
            preexec_fn=before_exec,
        )


def _stop(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Postgres:
    """PostgreSQL on a socket, for this user alone."""

    name = "postgres"

    def __init__(self, home: Home) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, making its data directory first where there is none."""
        program = binaries.within_reach(binaries.postgres(self.home.postgres_data), self.home.postgres)
        if not (self.home.postgres_data / "PG_VERSION").exists():
            self._make_data(program)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{self.home.sockets}"',
            "unix_socket_permissions": "0700",
            "logging_collector": "off",
            "log_destination": "stderr",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "max_wal_size": "2GB",
            "random_page_cost": "1.1",
        }
        options = [option for key, value in settings.items() for option in ("-c", f"{key}={value}")]
        command = [str(program.bin / "postgres"), "-D", str(self.home.postgres_data), *options]
        # SIGINT is PostgreSQL's fast shutdown.
        self.process = _spawn(self.home, self.name, command, identity.before_exec(signal.SIGINT))

    def _make_data(self, program: binaries.Postgres) -> None:
        """Make the directory beside its place and move it there: a half-made one is never taken for a whole one."""
        making = self.home.postgres / "postgres.new"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        identity.give(making)
        # The C locale does not fold letters beyond ASCII, and full-text search would miss them.
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if program.major >= 17
            else ["--locale=C.UTF-8"]
        )
        command = [
            str(program.bin / "initdb"),
            "-D",
            str(making),
            "-U",
            SUPERUSER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "-N",
            *locale,
        ]
        process = _spawn(self.home, "initdb", command, identity.before_exec(signal.SIGTERM))
        if process.wait() != 0:
            raise ServerNotStarted(f"initdb failed: {tail(self.home.log('initdb'))}")
        making.rename(self.home.postgres_data)

    def serves(self) -> bool:
        """Ready when the pid file is of this process and says so: a killed server leaves a file that says ready."""
        return self.process is not None and is_ready(self.home, self._pid_inside())

    def _pid_inside(self) -> str:
        return str(self.process.pid) if self.process else ""

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, committed ones are on disk."""
        _stop(self.process, signal.SIGINT)


class Valkey:
    """Valkey (or Redis) on a socket, with an append-only file."""

    name = "valkey"

    def __init__(self, home: Home) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server."""
        self.home.valkey_socket.unlink(missing_ok=True)
        options = {
            "--port": "0",
            "--unixsocket": str(self.home.valkey_socket),
            "--unixsocketperm": "700",
            "--dir": str(self.home.valkey_data),
            "--appendonly": "yes",
            # With snapshots on, a server whose directory is gone does not stop when it is asked to.
            "--save": "",
            "--maxmemory-policy": "noeviction",
        }
        command = [str(binaries.valkey()), *(word for pair in options.items() for word in pair)]
        # Valkey does not mind being root.
        self.process = _spawn(self.home, self.name, command, identity.die_with_parent(signal.SIGTERM))

    def serves(self) -> bool:
        """Whether it answers a ping."""
        return answers_ping(self.home.valkey_socket)

    def stop(self) -> None:
        """Stop, with the append-only file written."""
        _stop(self.process, signal.SIGTERM)


def is_ready(home: Home, pid: str | None = None) -> bool:
    """Whether PostgreSQL's pid file says that it takes connections, and, if `pid` is given, is of that process."""
    try:
        lines = (home.postgres_data / "postmaster.pid").read_text().splitlines()
        return lines[7].strip() == "ready" and (pid is None or lines[0].strip() == pid)
    except (OSError, IndexError):
        return False


def answers_ping(path: Path) -> bool:
    """Whether a Redis server answers on that socket."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False


def start_and_wait(server: Server, home: Home) -> None:
    """Start a server until it serves. Raises ServerNotStarted.

    After a kill -9 the first starts may fail: old backends hold the shared memory for a moment.
    """
    end = monotonic() + START_SECONDS
    while True:
        if server.process is None or server.process.poll() is not None:
            server.start()
        while server.process is not None and server.process.poll() is None:
            if server.serves():
                return
            if monotonic() > end:
                server.stop()
                raise ServerNotStarted(
                    f"{server.name} did not serve within {START_SECONDS:g} s: {tail(home.log(server.name))}"
                )
            sleep(0.02)
        if monotonic() > end - START_SECONDS + 10:
            raise ServerNotStarted(f"{server.name} ended at its start: {tail(home.log(server.name))}")
        sleep(0.25)


def tail(path: Path, size: int = 600) -> str:
    """The end of a log file, on one line."""
    try:
        with open_file(path, "rb") as log:
            log.seek(max(0, path.lstat().st_size - size))
            end: str = log.read().decode(errors="replace")
        return " | ".join(end.strip().splitlines()[-4:])
    except (OSError, ServerNotStarted):
        return "no log"
