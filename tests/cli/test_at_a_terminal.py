"""What a person at a terminal sees, and can type."""

import pytest
from rich.console import Console

from casework.cli import console, terminal
from casework.core.effects import RunMessage
from casework.core.model import RunId
from casework.printable import printable, printable_json
from casework.service.short_ids import shorten
from factories import work

NASTY = "a\x1b[2Jb\nc\u202ed"


def asked(casework, count=1, agent="asks"):
    """Cases whose runs wait for an answer."""
    casework("queues", "create", "inbox")
    casework("agents", "create", "worker", "--python", f"sample_agents:{agent}")
    casework("consumers", "set", "inbox", "worker")
    for number in range(count):
        casework("cases", "add", "inbox", f"invoice {number}")
    casework("tick")
    for run in casework.json("runs", "list", "--queue", "inbox"):
        work(console.installation().db, RunMessage(RunId(short_id(run["id"])), 1))


def short_id(text):
    return console.find_id("run", text)


def test_the_end_of_an_id_is_enough_everywhere(casework):
    asked(casework)
    (case,) = casework.json("cases", "list", "inbox")
    (run,) = casework.json("runs", "list")
    (request,) = casework.json("requests", "list")
    queue, agent = casework.json("queues", "show", "inbox")["id"], casework.json("agents", "list")[0]["id"]
    key = casework.json("keys", "create", "k", "--role", "reader")["id"]
    for kind, whole in (("cases", case["id"]), ("runs", run["id"]), ("requests", request["id"])):
        assert whole[-8:] in casework(kind, "list", *(["inbox"] if kind == "cases" else []))[1]
        shown = casework.json(kind, "show", whole[-8:].upper())
        assert shown.get("case", shown)["id"] == whole
    assert casework.json("queues", "show", queue[-8:])["name"] == "inbox"
    assert casework.json("consumers", "set", "inbox", agent[-8:])["agent_name"] == "worker"
    assert casework.json("runs", "list", "--case", case["id"][-8:])[0]["id"] == run["id"]
    assert casework.json("requests", "answer", request["id"][-8:], "red")["answer"] == "red"
    assert casework.json("cases", "settle", case["id"][-8:])["settled"] == [case["id"]]
    assert casework.json("keys", "revoke", key[-17:])["id"] == key


def test_an_end_that_several_ids_share_is_refused_with_the_candidates(casework):
    casework("queues", "create", "inbox")
    for title in ("one", "two"):
        casework("cases", "add", "inbox", title)
    with console.installation().db.begin() as tx:
        tx.sql(
            "update cases set id = overlay(id::text placing case title when 'one' then '111111111111' else '222211111111' end from 25)::uuid"
        )
    code, output = casework("cases", "show", "11111111")
    assert code == 2
    assert output == "'11111111' is ambiguous: it can be 211111111 (two), 111111111 (one)."
    table = casework("cases", "list", "inbox")[1]
    assert "111111111" in table
    assert "211111111" in table


def test_ids_are_as_long_as_tells_them_apart():
    first, second, third = (
        console.UUID(f"01a21e1c-ca04-74ad-84e3-2e5f{end}") for end in ("d7af28f9", "d7af28f8", "d7af28f7")
    )
    other = console.UUID("01a21e1c-ca04-74ad-84e3-2e50d7af28f9")
    assert shorten([first, second, third]) == {first: "d7af28f9", second: "d7af28f8", third: "d7af28f7"}
    assert shorten([first, other]) == {first: "fd7af28f9", other: "0d7af28f9"}


@pytest.mark.parametrize("text", ["zzzzzzzz", "12345", "0" * 33, ""])
def test_what_is_not_an_id_names_nothing(casework, text):
    assert casework("cases", "show", text)[0] == 1


@pytest.mark.parametrize("width", [80, 132])
def test_ids_are_whole_at_any_width(width):
    columns = ("id", "status", "created", "labels", "title")
    rows = [("d7af28f9", "needs_input", "2026-11-27 17:43", "vendor=Blue Harbor Foods, city=Queens", "A title " * 20)]
    console_ = Console(width=width, highlight=False)
    with console_.capture() as captured:
        console_.print(terminal.build_table(columns, rows, yields=("labels", "created"), width=width))
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= width
    assert "d7af28f9" in lines[1]
    assert "A title A title" in lines[1]


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (("queue", "agent", "for each", "limit"), ("deliveries", "all", "label:customer", "100 starts in 30 s, " * 3)),
        (("id", "name", "agents"), ("d7af28f9", "made at the first start", "intake, payer, " * 5)),
        (("example", "what it does"), ("approval", "pays invoices, and copes with a bank that fails " * 2)),
    ],
)
def test_names_are_whole_beside_what_is_long_at_a_narrow_terminal(columns, row):
    console_ = Console(width=60, highlight=False)
    with console_.capture() as captured:
        console_.print(terminal.build_table(columns, [row], width=60))
    assert [text for text in row[:-1] if text not in captured.get().splitlines()[1]] == []


def test_a_column_that_gave_way_is_named():
    table = terminal.build_table(
        ("id", "agent", "reason"), [("d7af28f9", "x" * 30, "y" * 30)], yields=("agent",), width=40
    )
    assert table.caption == "Not shown at this width: agent"
    assert [column.header for column in table.columns] == ["id", "reason"]


def test_what_titles_hold_cannot_move_the_cursor(casework):
    casework("queues", "create", "inbox")
    case = casework.json("cases", "add", "inbox", NASTY, "--text", NASTY)
    assert case["title"] == NASTY
    for arguments in (("cases", "list", "inbox"), ("cases", "show", case["id"])):
        output = casework(*arguments)[1]
        assert r"a\x1b[2Jb\nc\u202ed" in output
        assert not {"\x1b", "\u202e"} & set(output)


def test_json_escapes_keep_their_meaning():
    assert printable_json('"a\u202eb\x7f"') == '"a\\u202eb\\u007f"'
    assert printable("a\tb\nc", lines=True) == "a\tb\nc"


def test_answers_are_asked_for_one_after_the_other(casework):
    asked(casework, 3)
    code, output = casework("requests", "answer", input="3\n2\n\nred\n")
    assert code == 0
    assert "invoice 0" in output
    assert "Answered 2 of 3 requests." in output
    (left,) = casework.json("requests", "list")
    assert left["title"]
    assert casework("requests", "answer", input="")[0] == 0
    assert len(casework.json("requests", "list")) == 1


def test_without_anything_to_answer_that_is_said(casework):
    assert casework("requests", "answer") == (0, "Nothing waits for an answer.\n")


def test_numbers_agree_and_names_can_be_pasted(casework):
    casework("queues", "create", "two words")
    assert "casework consumers set 'two words' AGENT" in casework("queues", "show", "two words")[1]
    case = casework.json("cases", "add", "two words", "x")["id"]
    assert casework("cases", "settle", case)[1] == "1 case settled, 0 skipped, 0 runs interrupted.\n"
    assert casework("queues", "delete", "two words", "--yes")[1] == (
        "Deleted queue two words with 1 case; 0 runs interrupted.\n"
    )


def test_a_case_tells_its_story(casework):
    asked(casework)
    (case,) = casework.json("cases", "list", "inbox")
    (request,) = casework.json("requests", "list")
    assert "has waited for a person" in casework("cases", "explain", case["id"][-8:])[1]
    casework("requests", "answer", request["id"], "red")
    casework("cases", "settle", case["id"], "--status", "failed", "--reason", "not wanted")
    output = casework("cases", "show", case["id"][-8:], "--messages")[1]
    for part in ("invoice 0", "failed", ": not wanted", "Which colour?", "red", "worker", "before", "asked"):
        assert part in output
    watched = casework("cases", "watch", case["id"][-8:])[1].splitlines()
    assert len(watched) == len(casework.json("cases", "show", case["id"])["events"])
    assert "asked  worker  Which colour?" in watched[2]
    assert casework.json("cases", "show", case["id"])["requests"][0]["answer"] == "red"
    assert "Which colour?" in casework("requests", "show", request["id"][-8:])[1]
