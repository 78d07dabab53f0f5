"""casework's own servers: started on demand, shared, stopped with the last, and with their data after a kill -9."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from casework.embedded import identity
from casework.embedded.home import Home
from patience import wait_for

pytestmark = pytest.mark.process


def casework(home, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CASEWORK_")}
    return subprocess.run(
        [sys.executable, "-m", "casework", *arguments],
        env={**environment, "CASEWORK_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=90,
    )


def servers_of(home):
    """The pids of the home's supervisors."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                command = (process / "cmdline").read_text(errors="replace")
            except OSError:
                continue
            if "\0-m\0casework.embedded.supervisor\0" in command and str(home) in command:
                found.append(int(process.name))
    return found


@pytest.mark.parametrize("name", ["with spaces, 'quotes' and ünïcode", "long/" * 30 + "home"], ids=["odd", "long"])
def test_runs_in_a_home_of_any_name(tmp_path, name):
    made = casework(tmp_path / name, "queues", "create", "inbox", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["name"] == "inbox"


def test_shares_servers_among_commands_at_once(tmp_path):
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "casework", "queues", "create", f"q{number}"],
            env={**os.environ, "CASEWORK_HOME": str(tmp_path / "home")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for number in range(4)
    ]
    assert [(command.communicate(timeout=90)[1], command.returncode) for command in commands] == [(b"", 0)] * 4
    assert len(json.loads(casework(tmp_path / "home", "queues", "list", "--json").stdout)) == 4


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A home with a queue, whose servers come and go."""
    home = tmp_path_factory.mktemp("kept") / "home"
    assert casework(home, "queues", "create", "inbox").returncode == 0
    return home


def listed(home):
    return [queue["name"] for queue in json.loads(casework(home, "queues", "list", "--json").stdout)]


@pytest.mark.quick
def test_loses_nothing_when_the_supervisor_is_killed(kept):
    assert listed(kept) == ["inbox"]
    supervisors = servers_of(kept)
    assert supervisors
    for pid in supervisors:
        os.kill(pid, signal.SIGKILL)
    assert listed(kept) == ["inbox"]


FORKS_WHILE_IT_WAITS = """
import os, signal, sys, time
from pathlib import Path
from casework import embedded
from casework.settings import read_settings

def is_open(name):
    return any(os.path.basename(os.readlink(one)) == name for one in Path("/proc/self/fd").iterdir() if os.path.lexists(one))

embedded.resolve(read_settings())
while not is_open("owner.lock"):
    time.sleep(0.01)
if os.fork() == 0:
    signal.pause()
print("forked", flush=True)
sys.stdin.read()
os.killpg(0, signal.SIGKILL)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
def test_starts_again_although_a_client_forked_while_it_watched(kept):
    """A pool's processes have what their parent had open, locks included."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKS_WHILE_IT_WAITS],
        env={**os.environ, "CASEWORK_HOME": str(kept)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as client:
        assert client.stdout.readline() == "forked\n"
        for pid in servers_of(kept):
            os.kill(pid, signal.SIGKILL)
        try:
            assert listed(kept) == ["inbox"]
        finally:
            client.stdin.close()


def test_stops_servers_with_their_last_client_and_keeps_the_data(kept):
    assert listed(kept) == ["inbox"]
    wait_for(lambda: not servers_of(kept), "the servers to stop", every=0.1, patience=30)
    assert listed(kept) == ["inbox"]


@pytest.mark.quick
def test_reports_an_unusable_home_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    done = casework(tmp_path / "file", "queues", "list")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "CASEWORK_HOME" in done.stderr


@pytest.mark.quick
@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as somebody else")
def test_keeps_files_of_a_closed_home_elsewhere_without_namespaces(tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "substitute", lambda: (65534, 65534))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert not identity.reachable(closed / "home")
    assert str(Home(closed / "home").postgres).startswith("/var/lib/casework-")
    assert str(Home(closed / "home").sockets).startswith("/tmp/casework-")
    assert Home(Path("/var/lib/there")).postgres == Path("/var/lib/there")
