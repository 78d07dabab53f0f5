"""From a command line to its words: what the allow-list permits, and what is found where the worker runs."""

import shutil

import pytest

from casework.agents import commands
from casework.errors import InvalidInput, InvalidSettings, TargetNotAllowed
from casework.settings import Settings, read_settings


@pytest.mark.parametrize(
    ("entry", "command"),
    [
        ("python triage.py", "python triage.py"),
        ("python triage.py", "python  'triage.py' "),
        ("python *", "python"),
        ("python *", "python -c 'print(1)' more"),
        ("./triage.sh", "./triage.sh"),
        ("'a program' *", "'a program' with arguments"),
    ],
)
def test_an_entry_allows_its_command_however_it_is_quoted(entry, command):
    assert commands.check_allowed(command, ["other", entry])


@pytest.mark.parametrize(
    ("entry", "command"),
    [
        ("python triage.py", "python"),
        ("python triage.py", "python triage.py --all"),
        ("python triage.py", "python other.py"),
        ("python *", "python3 triage.py"),
        ("python *", "/tmp/python triage.py"),
        ("python *", "env python triage.py"),
        ("triage", "triage; reboot"),
        ("triage", "triage && reboot"),
        ("'python *' x", "python * x"),
    ],
)
def test_another_command_is_refused_with_the_setting_to_change(entry, command):
    with pytest.raises(TargetNotAllowed, match=r"not in CASEWORK_AGENT_COMMANDS, which allows .*: add it as it is"):
        commands.check_allowed(command, [entry])


def test_nothing_is_allowed_unless_the_setting_says_so():
    with pytest.raises(TargetNotAllowed, match="which allows nothing: add it as it is, or 'ls \\*'"):
        commands.check_allowed("ls", Settings().commands)


@pytest.mark.parametrize("command", ["", "  ", "''", "echo 'open", "echo a\nb", "echo \0", "echo " + "x" * 300])
def test_what_is_not_a_command_is_refused_as_input(command):
    with pytest.raises(InvalidInput) as error:
        commands.check_allowed(command, ["echo *"])
    assert not isinstance(error.value, TargetNotAllowed)


def test_files_of_the_present_folder_are_given_by_their_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("triage.py").write_text("")
    words = commands.load("sh -e triage.py other.py " + "y" * 270, ["sh *"])
    assert words == [shutil.which("sh"), "-e", str(tmp_path / "triage.py"), "other.py", "y" * 270]


def test_a_program_beside_the_worker_is_run_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "triage.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    assert commands.load("./triage.sh", ["./triage.sh"]) == [str(script)]


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(InvalidInput, match="no program 'no-such-program' that can be executed here"):
        commands.load("no-such-program", ["no-such-program"])


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("AGENT_COMMANDS", "ls, echo 'open", "is not a command"),
        ("AGENT_COMMANDS", "*", "would allow every program"),
        ("AGENT_COMMANDS", "* x", "would allow every program"),
        ("AGENT_COMMAND_ENV", "A, B C", "is not the name of a variable"),
        ("AGENT_COMMAND_ENV", "CASEWORK_DATABASE_URL", "may hold a secret"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(setting, value, problem, monkeypatch):
    monkeypatch.setenv(f"CASEWORK_{setting}", value)
    with pytest.raises(InvalidSettings, match=rf"CASEWORK_{setting}: .*{problem}"):
        read_settings()
