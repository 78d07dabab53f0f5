"""Shells on an installation, as a reader of the documents would open them."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from casework.core.model import DEFAULT_TEAM
from casework.service import queues, requests
from casework.store.database import Database
from guides.blocks import blocks

SECONDS = 240.0
"""The longest wait: for processes to start on a busy machine."""


@contextmanager
def opened(database: str, redis: str, folder: Path) -> Iterator["Terminals"]:
    """Terminals in a folder, which is also the home, on that database and database 15 of that Redis."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CASEWORK_")}
    environment |= {
        "HOME": str(folder),
        "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}",
        "CASEWORK_DATABASE_URL": database,
        "CASEWORK_REDIS_URL": redis.replace("virtual_host=0", "virtual_host=15").replace("/0", "/15"),
        "CASEWORK_SHUTDOWN_SECONDS": "1",
    }
    db = Database(database, pool_size=1)
    found = Terminals(db, environment, folder, _free_port())
    yield found
    found.close()
    db.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Terminals:
    """Plays documents in one folder and one environment."""

    def __init__(self, db: Database, environment: dict[str, str], folder: Path, port: int) -> None:
        self.db = db
        self.environment = environment
        self.folder = folder
        self.port = port
        self.servers: list[subprocess.Popen[bytes]] = []
        self._logs = (folder / f"terminal-{number}.log" for number in itertools.count(1))
        self._request = folder / "request-id"

    def play(self, document: Path) -> None:
        """Write the files of a document, start what keeps running, and type the rest, with one shell between servers."""
        typed: list[str] = []
        for block in blocks(document):
            if block.file:
                (self.folder / block.file).write_text(block.text)
            elif block.keeps_running:
                self.type(typed)
                typed = []
                # An installation that runs already for another document serves this one too.
                if block.commands != ["casework up"] or not self.servers:
                    self.keep_running(block.commands)
            else:
                typed += block.commands
        self.type(typed)

    def keep_running(self, commands: list[str]) -> None:
        """Start a server, which is the last of the commands."""
        *before, last = map(self._as_here, commands)
        self.servers.append(self._shell([*before, f"exec {last}"]))
        if "casework up" in last:
            self.wait(self._is_ready, "the installation to be ready")

    def type(self, commands: list[str], answers: str = "") -> None:
        """Type commands and wait for their end; `answers` is what is typed when they ask."""
        if not commands:
            return
        shell = self._shell([line for command in commands for line in self._with_id(self._as_here(command))], answers)

        def ended() -> bool:
            self._note_request()
            return shell.poll() is not None

        self.wait(ended, "the commands to end")
        assert shell.returncode == 0, self.logs()

    def _with_id(self, command: str) -> list[str]:
        """`ID` is the id of the request that waits; it is typed once there is one."""
        if " ID" not in command:
            return [command]
        return [f"until [ -s {self._request} ]; do sleep 0.1; done", command.replace(" ID", f" $(cat {self._request})")]

    def _note_request(self) -> None:
        if not self._request.exists() and (found := requests.find(self.db, DEFAULT_TEAM)):
            self._request.write_text(str(found[0].id))

    def _as_here(self, command: str) -> str:
        """The environment is the one of the tests, and the port one that is free."""
        if command == ". .venv/bin/activate":
            return ":"
        return f"{command} --port {self.port}" if command == "casework up" else command.replace("8080", str(self.port))

    def _shell(self, lines: list[str], answers: str = "") -> subprocess.Popen[bytes]:
        script = "\n".join(["set -eo pipefail", *lines])
        typed = self.folder / "typed"
        typed.write_text(answers)
        with next(self._logs).open("wb") as log, typed.open("rb") as answering:
            return subprocess.Popen(
                ["bash", "-c", script], cwd=self.folder, env=self.environment, stdin=answering, stdout=log, stderr=log
            )

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                return True
        except OSError:
            return False

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < end, f"waited {SECONDS:g} s for {what}\n{self.logs()}"
            time.sleep(0.1)

    def wait_for_cases(self, queue: str, **statuses: int) -> None:
        """Wait until the queue holds so many cases of each status, and no others."""

        def held() -> bool:
            id = queues.get(self.db, DEFAULT_TEAM, queue).id
            counted = queues.stats(self.db, DEFAULT_TEAM, id).cases
            return {status: count for status, count in counted.items() if count} == statuses

        self.wait(held, f"{queue} to hold {statuses}")

    def logs(self) -> str:
        return "\n".join(file.read_text()[-3000:] for file in sorted(self.folder.glob("terminal-*.log")))

    def close(self) -> None:
        for server in self.servers:
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
        for server in self.servers:
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
