"""Lines that another process shows: what a run logs and prints has the ids of its case and run."""

import json
import subprocess
import sys

import pytest

PRELUDE = """
import asyncio, logging, sys
from casework import events, log
log.configure("INFO", "relayed")
log.configure("INFO", "relayed")
"""


@pytest.fixture
def relayed(tmp_path):
    """The lines of a program: `relayed(text) -> [what is JSON as objects, the rest as text]`, of both streams."""

    def run(text):
        program = tmp_path / "program.py"
        program.write_text(PRELUDE + text)
        done = subprocess.run(
            [sys.executable, program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout
        lines = [json.loads(line) if line.startswith("{") else line for line in done.stdout.splitlines()]
        for line in lines:
            if isinstance(line, dict):
                line.pop("at", None)
        return lines

    return run


def test_what_a_run_prints_has_its_ids_and_other_lines_have_none(relayed):
    lines = relayed("""
print("before")
with log.bound_to_run(case=1, run=2):
    print("one", "two")
    print("err", file=sys.stderr)
print("after")
""")
    ids = {"case": 1, "run": 2}
    assert lines == ["before", {"printed": "one two", **ids}, {"printed": "err", **ids}, "after"]


def test_a_line_that_is_printed_in_pieces_is_one_line(relayed):
    lines = relayed("""
with log.bound_to_run(run=1):
    print("a", end="")
    with log.bound_to_run(run=2):
        print("between")
    print("b\\nc", end="")
    sys.stdout.writelines(["d", "e"])
""")
    assert [(line["printed"], line["run"]) for line in lines] == [("between", 2), ("ab", 1), ("cde", 1)]


def test_a_line_without_end_is_not_kept_for_ever(relayed):
    lines = relayed("""
with log.bound_to_run(run=1):
    for _ in range(3): print("x" * 4000, end="")
    print("end")
""")
    assert [len(line["printed"]) for line in lines] == [12000, 3]


def test_what_a_run_logs_has_its_ids_whatever_logger_it_uses(relayed):
    lines = relayed("""
with log.bound_to_run(case=1, run=2):
    logging.getLogger("some.package").info("told %s", 1)
    logging.info("root")
    logging.debug("too much")
""")
    assert [(line["level"], line["action"], line["case"], line["run"]) for line in lines] == [
        ("info", "told 1", 1, 2),
        ("info", "root", 1, 2),
    ]


def test_ids_go_along_to_tasks_and_their_threads(relayed):
    lines = relayed("""
async def agent():
    await asyncio.to_thread(print, "in a thread")
    await asyncio.create_task(told())
async def told():
    print("in a task")
with log.bound_to_run(run=1):
    asyncio.run(agent())
""")
    assert lines == [{"printed": "in a thread", "run": 1}, {"printed": "in a task", "run": 1}]


def test_outside_of_runs_libraries_may_only_warn(relayed, tmp_path):
    library = tmp_path / "site-packages" / "library.py"
    library.parent.mkdir()
    library.write_text("import logging\ndef work():\n    logging.info('chatter')\n    logging.warning('careful')\n")
    lines = relayed(f"""
sys.path.append({str(library.parent)!r})
import library
library.work()
logging.info("own")
""")
    assert [line["action"] for line in lines] == ["careful", "own"]


def test_events_keep_their_action_and_values(relayed):
    (line,) = relayed("events.emit(events.WorkerReady('w', 'threads'))")
    assert line == {"level": "info", "logger": "casework", "action": "worker.ready", "worker": "w", "pool": "threads"}


def test_lines_of_a_block_have_its_ids_in_every_form(relayed):
    lines = relayed("""
log.configure("INFO", "json")
with log.bound(request="r"):
    logging.warning("json")
log.configure("INFO", "text")
with log.bound(request="r"):
    logging.warning("text")
""")
    assert lines[0]["request"] == "r"
    assert lines[1].endswith(" warning text request=r")
