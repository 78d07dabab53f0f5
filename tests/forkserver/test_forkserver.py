"""Processes that are forks of one that has imported what they need, used like those that subprocess starts."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from casework.forkserver.client import LOST, ForkServer
from patience import PATIENCE, wait_for

pytestmark = [pytest.mark.process, pytest.mark.quick]

MODULE = [sys.executable, "-m", "forked_modules"]


@pytest.fixture(scope="module")
def server():
    # The path of this process is the server's too.
    sys.path.insert(0, str(Path(__file__).parent))
    found = ForkServer()
    sys.path.pop(0)
    yield found
    found.close()


def ended(process):
    """What it has written, and its exit code."""
    with process.stdout:
        return process.stdout.read(), process.wait(PATIENCE)


def test_what_it_writes_is_read_and_so_is_its_exit_code(server):
    assert ended(server.start("a", [*MODULE, "print", "hello"])) == ("hello None\nto standard error\n", 0)
    assert ended(server.start("b", [*MODULE, "exit", "3"])) == ("", 3)
    assert ended(server.start("c", [*MODULE, "exit", "error: no"])) == ("error: no\n", 1)
    written, code = ended(server.start("d", [*MODULE, "raise", "odd"]))
    assert "ValueError: odd" in written
    assert code == 1


def test_it_may_write_to_a_file_of_the_clients(server, tmp_path):
    with (tmp_path / "log").open("wb") as log:
        process = server.start("a", [*MODULE, "print", "hello"], output=log.fileno())
    assert process.stdout is None
    assert process.wait(PATIENCE) == 0
    assert (tmp_path / "log").read_text() == "hello None\nto standard error\n"


def test_what_is_loaded_is_imported_once(server):
    assert ended(server.start("a", [*MODULE, "import"]))[0] == "True\n"
    assert ended(server.start("b", [*MODULE, "import"], modules=["forked_library"]))[0] == "False\n"
    assert ended(server.start("c", [*MODULE, "import"]))[0] == "False\n"


def test_a_module_that_cannot_be_loaded_holds_up_nothing(server):
    assert ended(server.start("a", [*MODULE, "print", "hello"], modules=["no_such_module"]))[1] == 0


def test_variables_are_given_to_one_process_alone(server):
    assert ended(server.start("a", [*MODULE, "print", "1"], {"GIVEN": "x"}))[0].startswith("1 x\n")
    assert ended(server.start("b", ["/usr/bin/env", "GIVEN=y", *MODULE, "print", "2"]))[0].startswith("2 y\n")
    assert ended(server.start("c", [*MODULE, "print", "3"]))[0].startswith("3 None\n")


def test_it_is_a_session_of_its_own_that_an_interrupt_ends(server):
    process = server.start("a", [*MODULE, "identify"])
    assert ended(process)[0] == f"{process.pid} {process.pid} True\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_signals_end_it_and_its_exit_code_says_so(server, number):
    process = server.start("a", [*MODULE, "fork"])
    with process.stdout:
        assert process.stdout.readline() == "forked\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    assert process.poll() is None
    os.killpg(process.pid, number) if number is signal.SIGKILL else process.send_signal(number)
    assert process.wait(PATIENCE) == -number
    process.send_signal(signal.SIGTERM)
    process.kill()


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_processes_end_with_their_server_and_the_next_has_another(server):
    first = server.start("a", [*MODULE, "fork"])
    with first.stdout:
        assert first.stdout.readline() == "forked\n"
    os.kill(parent_of(first.pid), signal.SIGKILL)
    assert first.wait(PATIENCE) == LOST
    wait_for(lambda: not is_alive(first.pid), "its end")
    assert ended(server.start("b", [*MODULE, "print", "hello"])) == ("hello None\nto standard error\n", 0)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


CLIENT = """
import sys, time
from casework.forkserver.client import ForkServer

server = ForkServer(is_fork=True)
process = server.start("a", [sys.executable, "-m", "forked_modules", "fork"])
process.stdout.readline()
print(process.pid, flush=True)
if sys.argv[1:] == ["waits"]:
    time.sleep(60)
server.close()
"""


@pytest.mark.parametrize("how", ["killed", "closed"])
def test_processes_end_with_their_client(how):
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, *(["waits"] if how == "killed" else [])],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with client:
        pid = int(client.stdout.readline())
        if how == "killed":
            client.kill()
    wait_for(lambda: not is_alive(pid), "its end")


def test_it_runs_modules_of_this_python_and_nothing_else(server):
    with pytest.raises(ValueError, match="runs no module of this Python"):
        server.start("a", ["/bin/echo", "hello"])
