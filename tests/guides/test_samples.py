"""Every sample of the README and the guides runs as it stands, on real processes. Only the API's port is changed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guides.blocks import Block, blocks
from guides.derived import DOCUMENTS, GUIDES, README

SECONDS = 60.0
PLAYED = [document for document in DOCUMENTS if any(block.commands for block in blocks(document))]

pytestmark = pytest.mark.process


class Terminals:
    """Shells in one folder and environment, as a reader would open them."""

    def __init__(self, environment: dict[str, str], folder: Path, port: int) -> None:
        self.environment = environment
        self.folder = folder
        self.port = port
        self.servers: list[subprocess.Popen[bytes]] = []

    def play(self, document: Path) -> None:
        """Write the files of a document, start what keeps running, and type the rest into one shell."""
        typed: list[str] = []
        for block in blocks(document):
            if block.file:
                (self.folder / block.file).write_text(block.text)
            elif block.keeps_running:
                self._type(typed)
                typed = []
                self._keep_running(block)
            else:
                typed += block.commands
        self._type(typed)

    def _keep_running(self, block: Block) -> None:
        script = self._script(block.commands[:-1]) + f"\nexec {self._own(block.commands[-1])}"
        with (self.folder / f"server-{len(self.servers)}.log").open("wb") as log:
            server = subprocess.Popen(
                ["bash", "-c", script], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        self.servers.append(server)
        if "casework up" in block.commands[-1]:
            self._wait(self._is_ready, "the installation to be ready")

    def _type(self, commands: list[str]) -> None:
        if not commands:
            return
        script = self._script(commands)
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.logs()}"

    def _script(self, commands: list[str]) -> str:
        lines = ["set -eo pipefail"]
        for command in map(self._own, commands):
            if " ID" in command:
                lines.append("id=$(first_request)")
                command = command.replace(" ID", ' "$id"')
            lines.append(command)
        return f"{_FIRST_REQUEST}\n" + "\n".join(lines)

    def _own(self, command: str) -> str:
        """The port is free on this machine; the environment is this one."""
        if command.startswith("casework up"):
            return f"{command} --port {self.port}"
        if command == ". .venv/bin/activate":
            return ":"
        return command.replace("8080", str(self.port))

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                return True
        except OSError:
            return False

    def _wait(self, condition: Any, what: str) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < end, f"waited {SECONDS:g} s for {what}\n{self.logs()}"
            time.sleep(0.05)

    def statuses(self, queue: str, wanted: dict[str, int]) -> None:
        """Wait until the queue holds so many cases of each status, and no others."""

        def held() -> bool:
            return {
                status: count for status, count in self.json("queues", "show", queue)["cases"].items() if count
            } == wanted

        self._wait(held, f"{queue} to hold {wanted}")

    def json(self, *arguments: str) -> Any:
        done = subprocess.run(
            ["casework", *arguments, "--json"], env=self.environment, cwd=self.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def logs(self) -> str:
        return "\n".join(file.read_text()[-3000:] for file in sorted(self.folder.glob("server-*.log")))

    def close(self) -> None:
        for server in self.servers:
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
        for server in self.servers:
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


_FIRST_REQUEST = """
first_request() {
    for _ in $(seq 300); do
        casework requests list --json | python -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])' 2>/dev/null && return
        sleep 0.2
    done
    return 1
}
"""


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def terminals(new_database, servers, tmp_path) -> Iterator[Terminals]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CASEWORK_")}
    environment |= {
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}",
        "CASEWORK_DATABASE_URL": new_database("samples"),
        "CASEWORK_REDIS_URL": servers.redis.replace("virtual_host=0", "virtual_host=15").replace("/0", "/15"),
        "CASEWORK_SHUTDOWN_SECONDS": "1",
    }
    found = Terminals(environment, tmp_path, _free_port())
    yield found
    found.close()


def test_readme(terminals):
    terminals.play(README)
    terminals.statuses("complaints", {"completed": 3})


def test_agents(terminals):
    terminals.play(GUIDES / "agents.md")
    terminals.statuses("orders", {"completed": 1})
    terminals.statuses("payments", {"completed": 2})
    terminals.statuses("companies", {"completed": 1})
    history = [
        event["type"]
        for case in terminals.json("cases", "list", "payments")
        for event in terminals.json("cases", "show", case["id"])["events"]
    ]
    assert {"needs_input", "attempt_failed"} <= set(history)


def test_the_tests_of_the_sample_agents(terminals):
    for block in blocks(GUIDES / "agents.md"):
        if block.file:
            (terminals.folder / block.file).write_text(block.text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_orders.py"],
        cwd=terminals.folder,
        env=terminals.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout


def test_agents_elsewhere(terminals):
    terminals.play(GUIDES / "agents-elsewhere.md")
    terminals.statuses("parcels", {"completed": 2})


def test_http_api(terminals):
    terminals.play(GUIDES / "http-api.md")
    terminals.statuses("invoices", {"pending": 2})


def test_importing(terminals):
    terminals.play(GUIDES / "importing.md")
    terminals.statuses("tickets", {"pending": 4})


def test_operating(terminals):
    terminals.play(GUIDES / "operating.md")
    assert terminals.json("queues", "show", "inbox")["cases"]["pending"] == 0


def test_no_document_with_commands_is_left_out():
    tested = {
        README,
        *(GUIDES / f"{name}.md" for name in ("agents", "agents-elsewhere", "http-api", "importing", "operating")),
    }
    assert set(PLAYED) == tested
