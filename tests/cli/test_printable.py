"""Nothing that a command shows moves the cursor, turns the reading direction, or begins a line of its own."""

import json
from uuid import UUID

import pytest

from casework.cli import console
from casework.core.effects import RunMessage
from casework.core.model import RunId
from casework.errors import InvalidInput
from factories import work

NASTY = "a\x1b[2J\x9b1m\rb\u2028\u202ec\u2066\x07 \nforged"


@pytest.fixture
def ids(casework):
    """A queue in which everything that may hold any text holds a nasty one."""
    casework("queues", "create", "inbox", "--description", NASTY)
    casework("agents", "create", "worker", "--python", "sample_agents:repeats_the_title")
    casework("consumers", "set", "inbox", "worker")
    labels = ("--label", NASTY, "--label", f"{NASTY}={NASTY}")
    case = casework.json("cases", "add", "inbox", NASTY, "--data", json.dumps({NASTY: NASTY}), *labels)["id"]
    casework("tick")
    (run,) = casework.json("runs", "list")
    ids = {"case": case, "run": run["id"]}
    execute(run, 1)
    (request,) = casework.json("requests", "list")
    return {**ids, "request": request["id"]}


def execute(run, attempt):
    work(console.installation().db, RunMessage(RunId(UUID(run["id"] if isinstance(run, dict) else run)), attempt))


SHOWN = [
    *("queues list", "queues show inbox", "agents list", "consumers list inbox"),
    *("cases list inbox", "cases show {case} --messages", "cases explain {case}"),
    *("runs list", "runs show {run}", "runs messages {run}", "requests show {request}"),
]


def check(output):
    # A description may have lines of its own.
    output = output.replace("\nforged\n  1)", "")
    assert output.isascii() or not {"\x1b", "\x9b", "\r", "\x07", "\u2028", "\u202e", "\u2066"} & set(output), output
    assert not any(line.startswith("forged") for line in output.splitlines()), output


def test_whatever_people_and_agents_wrote_is_shown_escaped(casework, ids):
    for command in (*SHOWN, "requests list"):
        check(casework(*command.format(**ids).split())[1])
    check(casework("requests", "answer", input="\n")[1])
    check(casework("requests", "answer", ids["request"], NASTY)[1])
    casework("tick")
    execute(ids["run"], 2)
    assert casework.json("cases", "show", ids["case"])["case"]["status"] == "failed"
    for command in (*SHOWN, "cases watch {case}", "doctor"):
        # A traceback has lines.
        check(casework(*command.format(**ids).split())[1].replace("\nforged\n", ""))


def test_an_error_is_one_line_of_escaped_text(capsys):
    with pytest.raises(SystemExit), console.reported_errors():
        raise InvalidInput(f"{NASTY}: no such file")
    check(capsys.readouterr().err.replace("\x1b[31m\x1b[1merror: \x1b[0m", ""))


def test_notes_of_an_import_are_shown_escaped(casework, tmp_path):
    casework("queues", "create", "inbox")
    (tmp_path / "a.csv").write_text(f'title,"{NASTY}","{NASTY}"\none,two,three\n"{NASTY}"\n')
    code, said = casework("cases", "import", "inbox", str(tmp_path / "a.csv"))
    assert "Added 1 case" in said
    check(said)
