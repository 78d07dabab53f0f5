"""`casework agents try`: an agent at the terminal, and no server anywhere."""

import json

import pytest
from typer.testing import CliRunner

from casework.cli import app

AGENTS = """
from casework import Complete, Fail, HandOver, Postpone, Transient, agent


@agent
def triage(run):
    run.say(f"Looking at {run.case.title}")
    if run.attempt == 1:
        raise Transient("closed", retry_after=0.001)
    zip_code = run.ask("Which ZIP code is it?", options=("10027", "20301"), description="See the map.")
    run.tool("route", {"zip": zip_code}, result="north")
    if not run.approve("Send it?"):
        return Fail("nobody wants it")
    run.add_cases([{"title": "Inspect"}], queue="inspections")
    return Complete(f"routed {run.case.data['n']} {run.case.priority} {run.case.labels[0]}")


@agent
async def elsewhere(run):
    return HandOver("inspector", "not mine") if run.case.data else Postpone("2h")


@agent
def broken(run):
    return {}["zip"]
"""


@pytest.fixture
def try_(tmp_path, monkeypatch):
    """Calls the command in a folder with the module `tried_agents`, with settings that lead nowhere."""
    tmp_path.joinpath("tried_agents.py").write_text(AGENTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CASEWORK_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setenv("CASEWORK_RETRY_BASE_SECONDS", "0.001")

    def call(name, *arguments, input=None):
        return CliRunner().invoke(app, ["agents", "try", f"tried_agents:{name}", *arguments], input=input)

    return call


GIVEN = ("--title", "Flat 12", "--data", '{"n": 1}', "--priority", "high", "--label", "city=Rome")


def test_it_asks_at_the_terminal_and_tells_what_comes(try_):
    done = try_("triage", *GIVEN, input="1\n10027\ny\n")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        "Looking at Flat 12",
        "The attempt failed: Transient: closed. The next one comes in 1 s.",
        "See the map.",
        "Which ZIP code is it? (10027, 20301): 1",
        "Which ZIP code is it? (10027, 20301): 10027",
        'route {"zip": "10027"}',
        "north",
        "Send it? [y/N]: y",
        "Added to inspections: Inspect",
        "completed: routed 1 high city=Rome",
    ]


def test_it_prints_json_for_programs_and_asks_beside_it(try_):
    done = try_("triage", *GIVEN, "--json", input="10027\nn\n")
    assert done.exit_code == 1
    # What is typed is shown by the terminal, for which the runner of the tests stands in.
    found = json.loads(done.stdout[done.stdout.index("{") :])
    assert (found["status"], found["outcome"], found["reason"]) == ("failed", "Fail", "nobody wants it")
    assert [one["answer"] for one in found["requests"]] == ["10027", False]


def test_whoever_gives_no_answer_ends_it(try_):
    assert try_("triage", *GIVEN, input="").exit_code == 1


@pytest.mark.parametrize(("text", "last"), [("", "postponed (2h)"), ("x", "handed over to inspector: not mine")])
def test_it_says_where_the_case_goes(try_, text, last):
    done = try_("elsewhere", "--text", text)
    assert (done.exit_code, done.output.splitlines()) == (0, [last])


def test_an_error_is_shown_with_its_traceback(try_):
    done = try_("broken")
    assert done.exit_code == 1
    assert "tried_agents.py" in done.output
    assert done.output.splitlines()[-1].endswith("there is no 'zip' (KeyError: 'zip')")


@pytest.mark.parametrize("name", ["missing", "agent", ""])
def test_what_is_no_agent_is_said_in_one_line(try_, name):
    done = try_(name)
    assert "tried_agents" in str(done.exception)
