"""The API as a process: before its database is there, while it is away, and after it is back."""

import http.client
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from casework.core.model import DEFAULT_TEAM, AgentKind
from casework.core.roles import Role
from casework.embedded import binaries, identity
from casework.service import agents, keys, queues
from casework.settings import Settings
from casework.store import schema
from casework.store.database import Database
from casework.wiring import connect
from factories import some_cases
from patience import PATIENCE, wait_for
from ports import free_port, get

pytestmark = pytest.mark.process

GUIDE = Path(__file__).parent.parent.parent / "src" / "casework" / "guides" / "agents-elsewhere.md"


class Postgres:
    """A server of the test's own, which it starts and stops."""

    def __init__(self, directory):
        self.directory = directory
        self.data = directory / "data"
        self.port = free_port()
        self.bin = binaries.postgres(self.data).bin
        identity.give(directory)
        self.process = None
        self._run("initdb", "-D", str(self.data), "-U", "casework", "-A", "trust", "-N").wait()

    def _run(self, name, *arguments):
        return subprocess.Popen(
            [str(self.bin / name), *arguments],
            preexec_fn=identity.before_exec(signal.SIGINT),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start(self):
        self.process = self._run(
            "postgres",
            "-D",
            str(self.data),
            "-c",
            f"port={self.port}",
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
        )

    def stop(self, how=signal.SIGQUIT):
        """SIGQUIT is PostgreSQL's immediate shutdown: as a crash."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)
            self.process = None

    @property
    def url(self):
        return f"postgresql://casework@127.0.0.1:{self.port}/postgres"


@pytest.fixture
def postgres(tmp_path):
    directory = tmp_path / "postgres"
    directory.mkdir()
    server = Postgres(directory)
    yield server
    server.stop()


def test_answers_503_while_the_database_is_away_then_recovers(installation, postgres):
    port = free_port()
    installation.start([sys.executable, "-m", "casework", "api", "--port", str(port)], database_url=postgres.url)
    wait_for(lambda: get(port, "/healthz") == 200, "the API to serve")
    assert get(port, "/v1/queues", f"cw_{'0' * 16}_{'A' * 43}") == 503
    postgres.start()
    wait_for(lambda: get(port, "/v1/queues", f"cw_{'0' * 16}_{'A' * 43}") == 503, "the database to start")
    db = Database(postgres.url)
    wait_for(lambda: _upgraded(db), "the schema")
    db.close()
    casework = connect(Settings(database_url=postgres.url, redis_url=installation.settings.redis_url))
    token = keys.create(casework.db, DEFAULT_TEAM, "k", Role.READER)[1]
    casework.close()
    assert get(port, "/v1/queues", token) == 200
    for _ in range(3):
        postgres.stop()
        assert get(port, "/v1/queues", token) == 503
        assert get(port, "/healthz") == 200
        postgres.start()
        wait_for(lambda: get(port, "/v1/queues", token) == 200, "the API to go on")


def _upgraded(db):
    try:
        return schema.upgrade(db)
    except Exception:
        return None


def test_reports_a_port_in_use_in_one_line(installation):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for command in ("api", "up"):
            done = installation.command(command, "--port", str(taken.getsockname()[1]))
            assert done.returncode == 1
            assert "Address already in use" in done.stderr
            assert len(done.stderr.strip().splitlines()) == 1


def test_claims_that_wait_are_sent_away_when_the_api_stops(installation):
    db = installation.db
    agent = agents.create(db, installation.settings, DEFAULT_TEAM, "remote", kind=AgentKind.PULL)
    token = keys.create(db, DEFAULT_TEAM, "k", Role.AGENT, for_agents=[agent.id])[1]
    port, api = installation.api()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request("POST", f"/v1/agents/{agent.id}/claim", b'{"wait_seconds": 30}', headers)
        wait_for(lambda: keys.find(db, DEFAULT_TEAM)[0].last_used_at, "the claim to arrive")
        api.send_signal(signal.SIGTERM)
        assert connection.getresponse().status == 204
    assert api.wait(PATIENCE) in (0, -signal.SIGTERM)
    assert "Traceback" not in (installation.logs / "0.log").read_text()


@pytest.mark.quick
def test_the_guides_agent_works_cases(installation, tmp_path):
    source = re.search(r"^```python\n(# pull_agent.py.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "pull_agent.py").write_text(source[1])
    db = installation.db
    queue = queues.create(db, DEFAULT_TEAM, "inbox")
    agent = agents.create(db, installation.settings, DEFAULT_TEAM, "robot", kind=AgentKind.PULL)
    queues.set_consumer(db, DEFAULT_TEAM, queue.id, agent.id, trigger=True, concurrency=1)
    token = keys.create(db, DEFAULT_TEAM, "k", Role.AGENT, for_agents=[agent.id])[1]
    port, _ = installation.api()
    installation.environment.update(API=f"http://127.0.0.1:{port}", KEY=token)
    installation.start([sys.executable, str(tmp_path / "pull_agent.py")])
    some_cases(db, queue, 3, data={"weight": 3})
    installation.wait_until_ended(queue, 3)
    assert installation.counted(queue)["completed"] == 3
    assert installation.runs_per_case(queue) == {(1, 1)}
