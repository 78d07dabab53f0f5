"""`casework up` as a person meets it: what fails stands on the terminal, and what agents say."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

import httpx2
import pytest

from casework.core.lifecycle import CaseStatus
from casework.service import agents, cases, requests
from factories import TEAM, a_consumer, a_queue
from patience import PATIENCE, wait_for
from ports import free_port, get

pytestmark = pytest.mark.process

AGENTS = """
import logging
import time
from casework import Complete, agent


@agent
def triage(run):
    title = run.case.title
    print("working on", title)
    logging.getLogger(__name__).info("%s was logged", title)
    if title == "case 1":
        return None
    if title == "case 2":
        raise ConnectionError("nobody answers")
    return Complete(run.case.data["zip"])
"""

PATIENT = """
import time
from casework import Complete, agent


@agent
def triage(run):
    print("begun by VERSION")
    while not WHETHER:
        run.check()
        time.sleep(0.02)
    return Complete("done by VERSION")
"""

CONTROL = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")


class Up:
    """A `casework up`, at a terminal or not, in a folder of its own that holds the agents' modules."""

    def __init__(self, installation, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.written = ""
        self.environment = {**installation.environment, "PYTHONPATH": str(folder), "TERM": "xterm"}
        self.environment.pop("COLUMNS", None)
        self.process: subprocess.Popen[bytes] | None = None
        self.terminal = -1

    def module(self, name: str, text: str) -> None:
        # An editor writes a new file, and the old one is never half-written.
        (self.folder / "new").write_text(text)
        (self.folder / "new").rename(self.folder / f"{name}.py")

    def start(self, *options: str, modules: str = "mine", at_terminal: bool = False) -> None:
        ours, its = pty.openpty() if at_terminal else os.pipe()
        self.terminal = ours
        if at_terminal:
            self.resize(24, 80)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "casework", "up", "--port", str(self.port), *options],
            env={**self.environment, "CASEWORK_AGENT_MODULES": modules},
            cwd=self.folder,
            stdin=its if at_terminal else subprocess.DEVNULL,
            stdout=its,
            stderr=its,
            start_new_session=True,
        )
        os.close(its)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                read = os.read(self.terminal, 65536)
            except OSError:
                return
            if not read:
                return
            self.written += read.decode(errors="replace")

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def text(self) -> str:
        """What it has written, without colours and movements."""
        return CONTROL.sub("", self.written).replace("\r", "")

    def until(self, part: str) -> str:
        """Wait until it has written this, and return the line."""
        try:
            wait_for(lambda: part in self.text, f"{part!r}")
        except TimeoutError as error:
            raise AssertionError(f"{error}:\n{self.text}") from None
        return next(line for line in self.text.splitlines() if part in line)

    def interrupt(self) -> int:
        """Ctrl-C, and the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
        if self.terminal >= 0:
            os.close(self.terminal)


@pytest.fixture
def up(installation, tmp_path):
    found = Up(installation, tmp_path)
    yield found
    found.close()


@pytest.fixture
def triage(installation):
    """A queue, and the agent `mine:triage` that works on it."""
    settings = installation.settings.model_copy(update={"agent_modules": "mine"})
    queue = a_queue(installation.db)
    a_consumer(installation.db, queue, agents.create(installation.db, settings, TEAM, "triage", target="mine:triage"))
    return queue


def short(id):
    return str(id)[-8:]


def test_failures_and_what_agents_say_are_shown_with_their_case(up, installation, triage):
    up.module("mine", AGENTS)
    up.start()
    up.until("Agents in mine: triage.")
    ids = [str(id)[-8:] for id in installation.add(triage, 4, data={})]
    for number, title in enumerate(["case 0", "case 1", "case 2", "case 3"]):
        assert re.match(rf"[0-9:]{{8}} case {ids[number]} run [0-9a-f]{{8}}  ", up.until(f"working on {title}"))
        assert re.match(rf"[0-9:]{{8}} case {ids[number]} run [0-9a-f]{{8}}  ", up.until(f"{title} was logged"))
    assert f'case {ids[1]} "case 1" failed in triage: The agent returned no outcome: ' in up.until('"case 1" failed')
    # The two fail alike, so one line may do for both.
    failed = up.until("KeyError: 'zip'")
    assert re.search(
        r"failed in triage: mine.py, line \d+: there is no 'zip' \(KeyError: 'zip'\)  Traceback: casework runs show [0-9a-f]{8}$",
        failed,
    )
    again = up.until('"case 2" will be tried again')
    assert re.search(r"\(attempt \d of 5 failed\), triage: ConnectionError: nobody answers  Traceback: ", again)
    up.until('"case 2" failed in triage: ConnectionError: nobody answers (attempt 5 of 5)')
    assert "\x1b" not in up.written
    shown = installation.command("runs", "show", failed.rpartition(" ")[2]).stdout
    assert 'return Complete(run.case.data["zip"])' in shown


def test_modules_that_cannot_be_imported_are_named_at_the_start(up, triage):
    up.module("mine", AGENTS.replace("import time", "import tiem"))
    up.module("cut", "x = 1\ndef f(:\n")
    up.module("ends", "import os\nos._exit(7)")
    up.start(modules="mine,cut,mien,ends")
    for problem in (
        "The module 'mine' cannot be imported: ModuleNotFoundError: No module named 'tiem' (mine.py, line 3).",
        "The module 'cut' cannot be imported: SyntaxError: invalid syntax (cut.py, line 2).",
        "The module 'mien' cannot be imported: ModuleNotFoundError: No module named 'mien'. Is its name right",
        "The module 'ends' ends the process that imports it, with exit code 7.",
    ):
        up.until(problem)
    assert up.process.poll() is None


def test_module_that_a_worker_cannot_import_is_named_with_its_place(up, installation, triage):
    up.module("mine", "\nnothing")
    up.start()
    (case_id,) = installation.add(triage)
    problem = "The module 'mine' cannot be imported: NameError: name 'nothing' is not defined (mine.py, line 2)"
    assert problem in up.until("worker.agent_lacking")
    assert f"no worker can run triage: {problem}" in installation.command("cases", "explain", str(case_id)).stdout


def test_reload_takes_new_code_and_no_run_fails(up, installation, triage):
    def write(version, whether):
        up.module("mine", PATIENT.replace("VERSION", version).replace("WHETHER", whether))

    write("one", "False")
    up.start("--reload")
    (case,) = installation.add(triage)
    up.until("begun by one")
    write("two", "False")
    up.until("begun by two")
    up.module("mine", "def f(:\n")
    up.until("SyntaxError: invalid syntax (mine.py, line 1)")
    up.until("The workers wait until it is mended.")
    write("three", "True")
    up.until("begun by three")
    installation.wait_until_ended(triage, 1)
    found, events = cases.get(installation.db, TEAM, case)
    assert found.status is CaseStatus.COMPLETED
    assert [event.reason for event in events if event.type == "completed"] == ["done by three"]
    assert not {event.type for event in events} & {"attempt_failed", "failed", "stopped"}
    assert not re.search("will be tried again|failed in|ended with exit code", up.text)


@pytest.mark.parametrize(("options", "shown"), [((), False), (("--verbose",), True)])
def test_http_requests_are_shown_only_if_asked_for(up, options, shown):
    up.module("mine", AGENTS)
    up.start(*options)
    wait_for(lambda: get(up.port, "/healthz") == 200, "the API")
    get(up.port, "/v1/queues")
    if shown:
        assert "path=/v1/queues status=401" in up.until("path=/v1/queues")
    assert up.interrupt() == 0
    assert ("api.request" in up.text) is shown
    assert up.text.splitlines()[-1] == "Stopped."


def test_group_of_the_environment_is_what_its_workers_serve(up, installation):
    settings = installation.settings.model_copy(update={"agent_modules": "mine"})
    queue = a_queue(installation.db)
    helper = agents.create(installation.db, settings, TEAM, "helper", target="mine:triage", group="gpu")
    a_consumer(installation.db, queue, helper)
    up.module("mine", PATIENT.replace("WHETHER", "True"))
    up.environment["CASEWORK_WORKER_GROUP"] = "gpu"
    up.start()
    assert "1 worker of 4 runs for the group gpu, ticker and beat" in up.until("casework is up")
    installation.add(queue)
    installation.wait_until_ended(queue, 1)


def test_view_at_a_terminal_fits_and_leaves_nothing_behind(up, installation, triage):
    up.module("mine", PATIENT.replace("WHETHER", "run.case.title == 'x'"))
    up.start(at_terminal=True)
    installation.add(triage, 3)
    up.until("working on")
    up.until("begun by")
    wait_for(lambda: re.search(r"^[0-9a-f]{8}  case \d +triage +\d+ s *$", up.text, re.MULTILINE), "a row of a run")
    up.resize(20, 50)
    seen = len(up.written)
    wait_for(lambda: up.written[seen:].count("inbox") > 2, "the view at the new size")
    view = CONTROL.sub("", up.written[seen:]).replace("\r", "").split("inbox")[-1]
    assert max(map(len, view.splitlines())) <= 50
    assert up.interrupt() == 0
    wait_for(lambda: "Stopped." in up.text, "its end")
    last_frame, end = up.written.rpartition("Stopped.")[::2]
    assert up.written.rindex("\x1b[?25h") > up.written.rindex("\x1b[?25l")
    # After the last line the view is drawn once more, and then its lines are erased.
    drawn = end.count("\n") - 1
    assert end.count("\x1b[1A\x1b[2K") >= drawn
    assert "inbox" not in end.rpartition("\x1b[2K")[2]


def test_forked_processes_import_what_the_others_share_and_agents(up, installation, triage):
    up.environment["PYTHONPROFILEIMPORTTIME"] = "1"
    up.module("mine", AGENTS.replace("import time", "import filecmp"))
    up.start()
    installation.add(triage)
    up.until('"case 0" failed')
    wait_for(lambda: get(up.port, "/readyz") == 200, "all processes")
    assert up.interrupt() == 0
    imports = re.findall(r" (api|worker-1|ticker|beat) +import time: .*\| +(\S+)$", up.text, re.MULTILINE)
    assert set(imports) == {("worker-1", "filecmp")}


def test_a_killed_fork_server_ends_nothing_for_good(up, installation, triage):
    up.module("mine", AGENTS)
    up.start()
    installation.add(triage)
    up.until('"case 0" failed')
    for child in Path(f"/proc/{up.process.pid}/task/{up.process.pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
    up.until("ticker    ended with exit code -9; restarting it")
    installation.add(triage, 2)
    up.until('"case 1" failed')
    assert up.interrupt() == 0


def test_module_that_hangs_is_named_and_can_be_mended(up, triage):
    up.module("mine", "import threading\nthreading.Event().wait()\n")
    up.start("--reload")
    up.until("The module 'mine' takes more than 5 s to import")
    up.module("mine", AGENTS)
    up.until("Agents in mine: triage.")
    assert up.interrupt() == 0


def test_demo_asks_at_once_and_its_link_signs_in(up, installation):
    up.start("--demo")
    link = up.until("/sign-in/").split()[-1]
    wait_for(lambda: len(requests.find(installation.db, TEAM)) >= 3, "questions of the demo's agents")
    found = httpx2.get(link)
    assert (found.status_code, found.headers["location"]) == (303, "/")
    page = httpx2.get(link.partition("/sign-in/")[0], cookies=dict(found.cookies), follow_redirects=True)
    assert "wait for you" in page.text
    assert up.interrupt() == 0
