"""The processes of commands: what they are given, how they are stopped, and that nothing is left of them."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from calling import a_run
from casework.agents.results import Crashed
from casework.agents.runners.command import CommandRunner
from casework.agents.runners.process import Process
from casework.agents.stop import Stop
from casework.core.lifecycle import CaseStatus
from casework.service import cases
from commanding import ALLOWING, Stopping, commanded, is_alive, tell
from patience import PATIENCE, wait_for


@pytest.fixture
def aside(committed, tmp_path):
    """`aside(text)`: a case whose agent is that script, which a thread works on, and which somebody settles once the script
    has told that it began. Returns the thread, its heartbeats and, in a list, what comes of it."""

    def begin(text, grace=60.0):
        worked, watch, results = commanded(committed, tmp_path / "agent.sh", text), Stopping(), []
        settings = ALLOWING.model_copy(update={"interrupt_grace_seconds": grace})
        thread = threading.Thread(target=lambda: results.append(worked.work(watch, settings)))
        thread.start()
        wait_for(lambda: (tmp_path / "begun").exists(), "the command to begin")
        cases.settle(committed, settings, worked.case.queue_id, [worked.case_id], CaseStatus.COMPLETED)
        return thread, watch, results

    return begin


@pytest.mark.parametrize(
    ("trap", "grace"), [("", 600.0), ("trap '' TERM\n", 1.0)], ids=["ends by itself", "ignores SIGTERM"]
)
@pytest.mark.parametrize("work", ["sleep 1000", "yes", "yes >&2"])
def test_a_stop_ends_the_command_and_what_it_has_started(aside, tmp_path, trap, grace, work):
    script = f"{trap}sleep 1000 &\necho $$ $! > pids; pwd >> pids\n{tell(tmp_path)}\n{work}"
    thread, watch, results = aside(script, grace)
    own, child, folder = (tmp_path / "pids").read_text().split()
    watch.stop.request()
    thread.join(60)
    assert results == ["interrupted"]
    assert not is_alive(own)
    assert not Path(folder).exists()
    wait_for(lambda: not is_alive(child), "its child to end")


def test_a_child_has_the_grace_for_itself_when_its_parent_has_ended(aside, tmp_path):
    child = (
        f"trap 'sleep 0.5; echo > {tmp_path}/cleaned; exit' TERM; echo > {tmp_path}/begun; while :; do sleep 0.1; done"
    )
    (tmp_path / "child.sh").write_text(child)
    thread, watch, results = aside(f"sh {tmp_path}/child.sh > /dev/null 2>&1 &\nwait")
    watch.stop.request()
    thread.join(60)
    assert results == ["interrupted"]
    assert (tmp_path / "cleaned").exists()


def test_a_command_that_does_not_end_when_it_has_asked_is_ended(script, tmp_path):
    worked = script(f"trap 'echo > {tmp_path}/ended; exit 3' TERM\necho '{{\"ask\": \"Name?\"}}'\nsleep 1000 & wait")
    began = time.monotonic()
    assert worked.work_all() == ["needs_input"]
    assert (tmp_path / "ended").exists()
    assert time.monotonic() - began < 30


def test_a_run_that_has_lost_its_case_ends_the_command_at_its_next_line(aside, tmp_path):
    thread, _, results = aside(
        f"echo $$ > pids\n{tell(tmp_path)}\nwhile [ ! -e {tmp_path}/go ]; do sleep 0.05; done\necho late\nsleep 1000"
    )
    (tmp_path / "go").touch()
    thread.join(PATIENCE)
    assert results == ["interrupted"]
    assert not is_alive((tmp_path / "pids").read_text().strip())


GUARDED = """
import os, pathlib, signal, subprocess, sys, time
from casework.agents.runners.process import Process
from casework.agents.stop import Stop
moment, here = sys.argv[1], pathlib.Path(sys.argv[2])
class Started(subprocess.Popen):
    def __init__(self, words, **options):
        super().__init__(words, **options)
        if moment == "at the start of its command" and words[0] == "sh":
            while not (here / "begun").exists():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGKILL)
subprocess.Popen = Started
folder = here / "folder"
folder.mkdir()
process = Process(["sh", "-c", sys.argv[3]], folder, open("/dev/null", "rb"), {"PATH": "/usr/bin:/bin"})
(here / "guarded").touch()
list(process.lines(Stop()))
"""


@pytest.mark.parametrize("moment", ["later", "at the start of its command"])
def test_nothing_is_left_of_a_command_whose_worker_is_killed(tmp_path, moment):
    script = f"trap '' TERM HUP; sleep 1000 & echo $$ $! > {tmp_path}/pids\n{tell(tmp_path)}\nsleep 1000"
    worker = subprocess.Popen([sys.executable, "-c", GUARDED, moment, str(tmp_path), script])
    wait_for(lambda: (tmp_path / "begun").exists(), "the command to begin")
    pids = (tmp_path / "pids").read_text().split()
    if moment == "later":
        wait_for(lambda: (tmp_path / "guarded").exists(), "the guard")
        assert all(map(is_alive, pids))
        worker.kill()
    assert worker.wait(PATIENCE) == -signal.SIGKILL
    wait_for(lambda: not any(map(is_alive, pids)), "the command to end with its worker")
    wait_for(lambda: not (tmp_path / "folder").exists(), "its folder to be removed")


def guards_of(folder):
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if line.endswith(f"casework-guard {folder}")]


def test_a_command_that_cannot_start_leaves_no_file_and_no_process(tmp_path):
    def open_files():
        return len(list(Path("/proc/self/fd").iterdir()))

    before = open_files()
    with open("/dev/null", "rb") as stdin, pytest.raises(OSError, match="No such file"):
        Process([str(tmp_path / "absent")], tmp_path, stdin, {})
    assert open_files() == before
    assert not guards_of(tmp_path)


@pytest.mark.parametrize(("mode", "problem"), [(0o755, "Exec format error"), (0o600, "Permission denied")])
def test_a_program_that_cannot_be_started_fails_the_case(tmp_path, mode, problem):
    program = tmp_path / "program"
    program.write_bytes(b"\x00\x01")
    program.chmod(mode)
    result = CommandRunner([str(program)], [], grace=1.0).call(a_run(Stop()), Stop())
    assert result == Crashed(f"The command cannot be started: {program}: {problem}", None, False)


def test_what_it_leaves_in_the_background_is_ended_and_not_waited_for(script, tmp_path):
    pids = tmp_path / "pids"
    worked = script(f"sleep 1000 &\necho $! > {pids}\necho done")
    began = time.monotonic()
    assert worked.work() == "completed"
    assert time.monotonic() - began < 30
    assert worked.said == ["done"]
    wait_for(lambda: not is_alive(pids.read_text().strip()), "what was left to end")


def test_what_escapes_with_the_output_of_a_command_is_not_waited_for(script, tmp_path):
    pid = tmp_path / "pid"
    escapes = f"import os, time; os.setsid(); open('{pid}', 'w').write(str(os.getpid())); time.sleep(300)"
    worked = script(f'python3 -c "{escapes}" &\nwhile [ ! -s {pid} ]; do sleep 0.05; done\necho done')
    began = time.monotonic()
    try:
        assert worked.work() == "completed"
        assert worked.said == ["done"]
        assert time.monotonic() - began < 100
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)


def test_a_command_that_closes_its_output_is_waited_for(script, tmp_path):
    worked = script(f"exec >&- 2>&-\nsleep 0.5\necho > {tmp_path}/end\nexit 3")
    assert worked.work() == "failed"
    assert (tmp_path / "end").exists()


def test_the_environment_holds_what_is_listed_and_no_secrets(script, monkeypatch):
    monkeypatch.setenv("CASEWORK_DATABASE_URL", "postgresql://marked-secret@/x")
    monkeypatch.setenv("CASEWORK_TEAM", "marked-secret")
    monkeypatch.setenv("AWS_SECRET", "marked-secret")
    monkeypatch.setenv("MODEL", "large")
    worked = script("env")
    assert worked.work(settings=ALLOWING.model_copy(update={"agent_command_env": "MODEL, ABSENT"})) == "completed"
    passed = {line.partition("=")[0]: line.partition("=")[2] for line in worked.said}
    assert set(passed) - {"PWD", "SHLVL", "_", "OLDPWD"} <= {
        *("PATH", "HOME", "LANG", "TZ", "MODEL", "PYTHONUNBUFFERED"),
        *("CASEWORK_CASE_FILE", "CASEWORK_RUN_ID", "CASEWORK_ATTEMPT"),
    }
    assert (passed["MODEL"], passed["CASEWORK_RUN_ID"]) == ("large", str(worked.run.id))
    assert "marked-secret" not in "".join(worked.said)


def test_its_folder_is_fresh_and_removed(script):
    worked = script("ls; pwd; mkdir -p deep/er; touch deep/er/file")
    assert worked.work() == "completed"
    assert worked.said[0] == "case.json"
    assert not Path(worked.said[1]).exists()


def test_a_command_that_this_worker_does_not_allow_is_left_to_others(script):
    worked = script("true")
    assert worked.work(settings=ALLOWING.model_copy(update={"agent_commands": ""})) == "released"
    assert "is not in CASEWORK_AGENT_COMMANDS, which allows nothing" in worked.reason
