"""What `cases show` and lists tell somebody who was not there."""

import getpass
import re
import time
from datetime import datetime, timedelta, timezone

import pytest
from rich.console import Console

from casework.cli import console, terminal
from casework.cli.cases import CASE_COLUMNS, CASE_YIELDS
from casework.core.effects import RunMessage
from casework.core.model import RunId
from factories import work


def tick_and_work(casework):
    """Claim what is ready, and execute it in this process."""
    casework("tick")
    for run in casework.json("runs", "list", "--status", "pending"):
        work(console.installation().db, RunMessage(RunId(console.find_id("run", run["id"])), run["attempt"]))


@pytest.fixture
def case(casework):
    """A case of a queue with two agents that take only what is delegated to them, and a third that takes all."""
    casework("queues", "create", "inbox")
    for name, target in (("asker", "asks"), ("giver", "hands_over"), ("triage", "triages"), ("fails", "fails")):
        casework("agents", "create", name, "--python", f"sample_agents:{target}")
        casework("consumers", "set", "inbox", name, "--trigger", "off")
    data = '{"to": "triage"}'
    return casework.json(
        "cases", "add", "inbox", "Flat 12", "--data", data, "--key", "flat/12", "--label", "city=Rome"
    )["id"]


def told(casework, case):
    """The lines of the history, without their times."""
    output = casework("cases", "show", case[-8:])[1]
    _, _, history = output.partition("History")
    lines = re.findall(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) +(.*?) *$", history, re.MULTILINE)
    assert lines
    return [re.sub(" {2,}", " | ", line) for _, line in lines]


def test_a_question_is_told_with_its_answer_and_who_gave_it(casework, case):
    casework("cases", "delegate", "--to", "asker", case)
    tick_and_work(casework)
    (request,) = casework.json("requests", "list")
    assert casework.json("requests", "answer", request["id"], "red")["responded_by"] == getpass.getuser()
    assert told(casework, case)[1:] == [
        f"delegated | {getpass.getuser()} | to asker",
        f"claimed | asker | run {request['run_id'][-8:]}",
        "asked | asker | Which colour?",
        f"answered | {getpass.getuser()} | red",
    ]
    assert getpass.getuser() in casework("requests", "show", request["id"])[1]
    assert "Flat 12" in casework("requests", "show", request["id"])[1]
    assert re.search(rf"Which colour\?  red +{getpass.getuser()}", casework("cases", "show", case)[1])


def test_a_question_that_is_not_needed_any_more_is_told_with_its_words(casework, case):
    casework("cases", "delegate", "--to", "asker", case)
    tick_and_work(casework)
    casework("cases", "settle", case)
    assert told(casework, case)[-2:] == [
        f"request cancelled | {getpass.getuser()} | Which colour?",
        f"settled | {getpass.getuser()} | -",
    ]


def test_a_handover_is_told_with_who_received_it(casework, case):
    casework("cases", "delegate", "--to", "giver", case)
    tick_and_work(casework)
    assert told(casework, case)[-1] == "handed over | giver | to triage: not mine"
    tick_and_work(casework)
    updated, completed = told(casework, case)[-2:]
    assert updated == "updated | triage | title: Flat 12 → sorted; priority: none → high; +team=north"
    assert completed == "completed | triage | sorted, high, city=Rome, team=north"


def test_a_postponement_is_told_with_its_end(casework, case):
    casework("cases", "postpone", case, "--until", "2099-12-01 09:00", "--reason", "holiday")
    later = casework.json("cases", "add", "inbox", "later", "--at", "2099-12-01 09:00")["id"]
    assert told(casework, case)[-1] == f"postponed | {getpass.getuser()} | until 2099-12-01 09:00:00: holiday"
    assert told(casework, later) == ["created | - | until 2099-12-01 09:00:00"]


def test_a_change_by_a_person_is_told_with_old_and_new_values(casework, case):
    casework("cases", "edit", case, "--data", '{"to": "asker", "n": 1}', "--remove-label", "city=Rome")
    assert told(casework, case)[-1] == f"updated | {getpass.getuser()} | to: triage → asker; n: nothing → 1; -city=Rome"


def test_a_retry_by_the_same_agent_is_told_with_its_name(casework, case):
    casework("cases", "delegate", "--to", "asker", case)
    casework("cases", "settle", case, "--status", "failed", "--reason", "not wanted")
    casework("cases", "retry", case, "--same-agent")
    assert told(casework, case)[-2:] == [
        f"settled | {getpass.getuser()} | not wanted",
        f"retried | {getpass.getuser()} | for asker only",
    ]


def test_a_case_is_followed_in_the_same_words(casework, case):
    casework("cases", "delegate", "--to", "triage", case)
    tick_and_work(casework)
    lines = casework("cases", "watch", case)[1].splitlines()
    assert [line[25:] for line in lines] == [
        line.replace(" | -", "").replace(" | ", "  ") for line in told(casework, case)
    ]


def test_a_run_is_told_with_its_attempts_and_outcome(casework, case):
    casework("cases", "delegate", "--to", "giver", case)
    tick_and_work(casework)
    output = casework("cases", "show", case)[1]
    assert re.search(r"priority none  delegated to triage  city=Rome  key flat/12$", output, re.MULTILINE)
    assert re.search(r"giver  completed  handed over  1 +\S+ \S+\.\d{3}  \S+ \S+\.\d{3}  not mine", output)


def test_what_an_agent_called_is_told_without_json_around_it(casework, case):
    casework("cases", "delegate", "--to", "asker", case)
    tick_and_work(casework)
    output = casework("cases", "show", case, "--messages")[1]
    assert re.search(r"tool_call +counter", output)
    assert '"tool_call_id"' not in output


def test_lists_say_why_a_case_failed_and_until_when_it_is_postponed(casework, case):
    later = casework.json("cases", "add", "inbox", "later", "--at", "2099-12-01 09:00")["id"]
    casework("cases", "settle", case, "--status", "failed", "--reason", "not wanted " * 50)
    found = {one["id"]: one for one in casework.json("cases", "list", "inbox")}
    assert (found[case]["reason"], found[later]["reason"]) == ("not wanted " * 50, None)
    output = casework("cases", "list", "inbox")[1]
    assert re.search(r"postponed .* until 2099-12-01 09:00", output)
    assert "not wanted not wanted" in output
    assert "…" in output


def test_the_reason_is_shown_at_eighty_columns():
    rows = [("d7af28f9", "failed", "high", "2026-11-27 17:43", "city=Rome", "the fee was not approved", "Flat 12")]
    drawn = terminal.build_table(CASE_COLUMNS, rows, yields=CASE_YIELDS, width=80)
    console_ = Console(width=80)
    with console_.capture() as captured:
        console_.print(drawn)
    assert "the fee was not approved" in captured.get()


def test_a_long_name_leaves_room_for_what_was_answered():
    row = ("d7af28f9", "question", "answered", "Which colour?", "red", f"key {'x' * 96}", "2026-11-27 17:43:00.000")
    columns = ("id", "kind", "status", "asks", "answer", "by", "answered")
    drawn = terminal.build_table(columns, [row], yields=("answered", "kind", "status"), width=80)
    assert {"id", "asks", "answer", "by"} <= {column.header for column in drawn.columns}
    console_ = Console(width=80)
    with console_.capture() as captured:
        console_.print(drawn)
    assert "d7af28f9" in captured.get()
    assert captured.get().count("x") == 96


def test_why_a_case_ended_is_told_once_and_in_local_time(casework, case, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    casework("cases", "settle", case, "--status", "failed", "--reason", "not wanted")
    shown, explained = casework("cases", "show", case)[1], casework("cases", "explain", case)[1]
    completed_at = datetime.fromisoformat(casework.json("cases", "show", case)["case"]["completed_at"])
    monkeypatch.undo()
    time.tzset()
    there = completed_at.astimezone(timezone(timedelta(hours=9)))
    assert explained == f"The case failed at {there:%Y-%m-%d %H:%M:%S}: not wanted\n"
    assert shown.partition("History")[0].count("not wanted") == 1


def test_steps_are_shown_and_kept_if_the_retry_says_so(casework, case):
    casework("cases", "delegate", "--to", "asker", case)
    tick_and_work(casework)
    (first,) = casework.json("runs", "list")
    (step,) = casework.json("runs", "show", first["id"])["steps"]
    assert (step["name"], step["value"]) == ("count", 1)
    assert re.search(r"^count +\S+ \S+ +1 *$", casework("runs", "show", first["id"])[1], re.MULTILINE)
    casework("cases", "retry", case, "--same-agent", "--keep-steps")
    tick_and_work(casework)
    second = casework.json("runs", "list")[0]
    assert casework.json("runs", "show", second["id"])["steps"] == [step]
    assert f"retried | {getpass.getuser()} | steps kept: for asker only" in told(casework, case)
    shown = casework("cases", "show", case, "--steps")[1]
    assert [line.split()[2:] for line in shown.splitlines() if " count " in line] == [
        [run["id"][-8:], "count", "1"] for run in (first, second)
    ]
