"""The path of a small installation: upgrade, import, work, answer, search, lose a worker, drain. Through real processes."""

import csv
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.processes import Processes, inherited
from casework.cli.roles import Pool, api_command, beat_command, ticker_command, worker_command
from casework.core.model import DEFAULT_TEAM
from casework.service import queues
from casework.store.database import Database
from patience import PATIENCE, wait_for
from ports import free_port, get

CASES = 40
ASKING = 2
STORM = 120
QUEUE = "compat"
COMMAND_SECONDS = 3 * PATIENCE
"""A command is a process of its own: on a busy machine it takes long to start."""

Environment = Callable[[str], dict[str, str]]
"""What a process of that role is started with."""


class Failed(Exception):
    """A step did not do what it should."""


class Walk:
    """One installation, on whatever servers its environment names."""

    def __init__(self, environment: Environment, database_url: str, home: Path) -> None:
        logs = home / "logs"
        logs.mkdir()
        self.environment, self.home = environment, home
        self.processes = Processes(logs)
        self.database_url = database_url

    def run(self) -> None:
        """Walk. Raises Failed, and the processes end in any case."""
        with self.processes.part():
            self._upgrade()
            self._start()
            self._import(CASES, asking=ASKING)
            self._answer()
            self._wait_until_completed(CASES)
            self._search()
            self._doctor()
            self._storm()
            self._drain()
            self._check_logs()

    def command(self, *arguments: str, ok: bool = True) -> Any:
        """The JSON that a command prints."""
        done = subprocess.run(
            [sys.executable, "-m", "casework", *arguments, "--json"],
            env=inherited(self.environment("commands")),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        if ok and done.returncode != 0:
            raise Failed(f"casework {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def _upgrade(self) -> None:
        subprocess.run(
            [sys.executable, "-m", "casework", "db", "upgrade"],
            env=inherited(self.environment("commands")),
            check=True,
            capture_output=True,
            timeout=COMMAND_SECONDS,
        )
        self.queue = self.command("queues", "create", QUEUE)["id"]
        self.command("agents", "create", "clerk", "--python", "compat.agents:clerk")
        self.command("consumers", "set", QUEUE, "clerk")
        self.db = Database(self.database_url)

    def _start(self) -> None:
        self.port = free_port()
        self._process("beat", beat_command())
        self._process("ticker", ticker_command())
        self._process("api", api_command("127.0.0.1", self.port))
        self._process("worker", worker_command(Pool.THREADS, 2))
        self.worker = self._process("worker", worker_command(Pool.PREFORK, 2))

    def _process(self, role: str, command: list[str]) -> subprocess.Popen[bytes]:
        return self.processes.start(command, self.environment(role))

    def _import(self, count: int, *, asking: int = 0) -> None:
        found = self.command(*self._importing(count, asking))
        if found["added"] != count:
            raise Failed(f"the import added {found}, not {count}")

    def _importing(self, count: int, asking: int) -> tuple[str, ...]:
        file = self.home / f"{count}.csv"
        with file.open("w", newline="") as out:
            lines = csv.writer(out)
            lines.writerow(["number", "kind", "note"])
            lines.writerows([n, "asks" if n < asking else "plain", f"zażółć {n}"] for n in range(count))
        return ("cases", "import", QUEUE, str(file), "--title", "Row {number}", "--label", "kind")

    def _answer(self) -> None:
        requests = wait_for(self._all_requests, "what the agents ask")
        for request in requests:
            self.command("requests", "answer", request["id"], "yes")

    def _all_requests(self) -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = self.command("requests", "list")
        return found if len(found) == ASKING else None

    def _wait_until_completed(self, count: int) -> None:
        def completed() -> bool:
            return queues.stats(self.db, DEFAULT_TEAM, self.queue).cases["completed"] == count

        wait_for(completed, f"{count} completed cases", every=0.1)

    def _search(self) -> None:
        token = self.command("keys", "create", "compat", "--role", "operator")["key"]
        wait_for(lambda: get(self.port, "/healthz"), "the API")
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/queues/{self.queue}/cases/search",
            json.dumps({"search": "zażółć", "limit": 100}).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            found, limit = json.load(answer)["cases"], answer.headers["x-ratelimit-remaining"]
        if len(found) != CASES or limit is None:
            raise Failed(f"the search found {len(found)} of {CASES} cases, with {limit} requests left")

    def _doctor(self) -> None:
        wrong = [one for one in self.command("doctor", ok=False) if not one["ok"]]
        if wrong:
            raise Failed(f"doctor says {wrong}")

    def _storm(self) -> None:
        """Kill a worker with its pool amid its work."""
        command = [sys.executable, "-m", "casework", *self._importing(STORM, 0)]
        importing = self.processes.start(command, self.environment("commands"))
        wait_for(self._worker_is_busy, "a run of the worker that will be killed")
        os.killpg(self.worker.pid, signal.SIGKILL)
        self._process("worker", worker_command(Pool.PREFORK, 2))
        if importing.wait(PATIENCE) != 0:
            raise Failed("the import during the storm failed")
        self._wait_until_completed(CASES + STORM)
        with self.db.begin() as tx:
            doubled = tx.sql(
                "select count(*) from (select from case_history where type = 'completed' group by case_id having count(*) > 1) d"
            ).scalar_one()
        if doubled:
            raise Failed(f"{doubled} cases were completed twice")

    def _worker_is_busy(self) -> bool:
        with self.db.begin() as tx:
            working = "select exists (select from runs where status = 'running' and worker like %(name)s)"
            return bool(tx.sql(working, {"name": f"%:{self.worker.pid}:%"}).scalar_one())

    def _drain(self) -> None:
        if not self.command("queues", "drain", QUEUE, "--timeout", "30")["drained"]:
            raise Failed("the queue is not drained")

    def _check_logs(self) -> None:
        for log in sorted(self.processes.logs.iterdir()):
            text = log.read_text(errors="replace")
            for sign in ("Traceback", "NOPERM", "ERROR"):
                if sign in text:
                    line = next(line for line in text.splitlines() if sign in line)
                    raise Failed(f"{log.name} holds {sign}: {line[:300]}")

    def close(self) -> None:
        """Close the connection of the walk's own."""
        if "db" in self.__dict__:
            self.db.close()
