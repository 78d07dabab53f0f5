"""`casework examples` lists and copies; `casework demo --show` shows the demo's agents."""

import os
import pty
import shlex
import subprocess
import sys
from importlib.resources import files

import pytest

from casework.cli import examples

SOURCES = examples.sources()
NAMES = ["approval", "model", "producer", "pull", "triage"]


@pytest.fixture
def run(tmp_path):
    """The command in a folder of its own; no server is named, and none is started."""

    def call(*arguments, code=0):
        environment = {**os.environ, "CASEWORK_HOME": str(tmp_path / "home")}
        done = subprocess.run(
            [sys.executable, "-m", "casework", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stderr
        assert not (tmp_path / "home").exists()
        return done.stdout or done.stderr

    return call


def test_examples_are_listed(run):
    assert [line.split()[0] for line in run("examples").splitlines()[1:6]] == NAMES


def test_the_guide_names_every_example():
    guide = (files("casework") / "guides" / "agents.md").read_text()
    assert [name for name in SOURCES if f"| `{name}` |" not in guide] == []


def test_a_copy_is_what_is_in_the_package_and_says_what_to_type(run, tmp_path):
    said = run("examples", "copy", "triage")
    assert (tmp_path / "triage.py").read_text() == SOURCES["triage"]
    for command in examples.commands(SOURCES["triage"]):
        assert all(line.strip() in said for line in command.splitlines())


def test_a_copy_never_replaces_a_file_unless_forced(run, tmp_path):
    mine = tmp_path / "triage.py"
    mine.write_text("mine")
    said = run("examples", "copy", "triage", code=1)
    assert said == "error: triage.py is there already: give another directory, or --force to replace it.\n"
    assert mine.read_text() == "mine"
    run("examples", "copy", "triage", "--force")
    assert mine.read_text() == SOURCES["triage"]


def test_a_directory_is_made_and_its_name_is_quoted(run, tmp_path):
    first = next(
        line for line in run("examples", "copy", "pull", "my agents/new").splitlines() if "casework up" in line
    )
    assert (tmp_path / "my agents" / "new" / "pull.py").exists()
    assert shlex.split(first)[:2] == ["cd", "my agents/new"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tirage"], "There is no example 'tirage'. The examples are approval, model, producer, pull, triage."),
        (["triage", "file"], "file cannot be a directory: File exists."),
    ],
)
def test_what_cannot_be_copied_is_refused(run, tmp_path, arguments, message):
    (tmp_path / "file").touch()
    assert run("examples", "copy", *arguments, code=2) == f"error: {message}\n"


def test_the_demo_shows_its_agents_and_starts_nothing(run):
    assert run("demo", "--show").rstrip() == (files("casework") / "demo" / "agents.py").read_text().rstrip()


def test_at_a_terminal_the_source_is_highlighted(tmp_path):
    ours, theirs = pty.openpty()
    shown = subprocess.Popen(
        [sys.executable, "-m", "casework", "demo", "--show"],
        stdout=theirs,
        env={**os.environ, "TERM": "xterm-256color", "CASEWORK_HOME": str(tmp_path / "home")},
    )
    os.close(theirs)
    text = b""
    try:
        while part := os.read(ours, 65536):
            text += part
    except OSError:
        pass  # how Linux says that the other side is closed
    os.close(ours)
    assert shown.wait() == 0
    assert b"\x1b[" in text
    assert b"auditor" in text
