"""Requests at the command line: every kind of answer, forms field by field, and who gave it."""

import getpass
import json

import pytest

from asking import ask
from casework.cli import console
from casework.cli.forms import ask_arguments, ask_value, read_value
from casework.core.requests import Action, Request
from casework.errors import InvalidInput

SCHEMA = {
    "type": "object",
    "properties": {
        "euros": {"type": "integer", "description": "Without cents"},
        "fast": {"type": "boolean"},
        "way": {"$ref": "#/$defs/way"},
        "note": {"type": "string"},
    },
    "required": ["euros", "way"],
    "$defs": {"way": {"enum": ["bank", "cash"]}},
}
REFUND = Action(name="refund", arguments={"euros": 120, "way": "bank"}, schema=SCHEMA)
APPROVAL = Request(kind="approval", title="Refund?", action=REFUND, decisions=["approve", "edit", "reject"], key="r")


@pytest.fixture
def asked(casework):
    """`asked(*requests)`: the short ids of requests that wait, in this order."""

    def asked(*wanted):
        _, ids = ask(console.installation().db, *wanted)
        return [str(id)[-8:] for id in ids]

    return asked


def test_an_action_is_approved_denied_or_edited_with_a_message(casework, asked):
    yes, no, other = asked(
        APPROVAL, *(Request(kind="approval", title=t, action=REFUND, decisions=["edit", "reject"]) for t in "bc")
    )
    assert casework("requests", "approve", yes, "-m", "fine") == (0, "Approved: Refund?\n")
    assert casework.json("requests", "deny", no, "--message", "too dear")["message"] == "too dear"
    edited = casework.json("requests", "edit", other, "--arguments", '{"euros": 9, "way": "cash"}')
    assert (edited["decision"], edited["arguments"]) == ("edit", {"euros": 9, "way": "cash"})
    shown = casework("requests", "show", other)[1]
    assert "approved with" in shown
    code, message = casework("requests", "approve", no)
    assert (code, message) == (
        1,
        f'The request is answered already: it was rejected by {getpass.getuser()}, with the message "too dear".',
    )


def test_a_form_is_answered_with_json(casework, asked):
    (id,) = asked(Request(kind="form", title="How?", schema=SCHEMA))
    code, message = casework("requests", "answer", id, "--value", '{"euros": "3", "way": "bank"}')
    assert (code, message) == (2, "The answer does not fit: $.euros: '3' is not of type 'integer'")
    assert casework("requests", "answer", id, "--value", "{")[0] == 2
    assert casework("requests", "answer", id)[1].startswith("Give the answer's text")
    value = {"euros": 3, "way": "bank"}
    assert casework.json("requests", "answer", id, "--value", "-", input=json.dumps(value))["answer"] == value


def test_requests_are_listed_by_kind_and_by_who_may_answer(casework, asked):
    me = getpass.getuser()
    mine, _, _ = asked(Request(title="a", assignees=[me]), Request(title="b", assignees=["Ann"]), APPROVAL)
    assert [one["id"][-8:] for one in casework.json("requests", "list", "--assignee", "me")] == [mine]
    assert [one["title"] for one in casework.json("requests", "list", "--assignee", "Ann")] == ["b"]
    assert [one["title"] for one in casework.json("requests", "list", "--kind", "approval")] == ["Refund?"]


def test_the_person_after_as_is_who_answers(casework, asked):
    first, second = asked(Request(title="a", assignees=["Ann"]), Request(title="b"))
    code, message = casework("requests", "answer", first, "x")
    assert (code, message) == (1, "The request is for Ann, and nobody else answers it.")
    assert casework.json("requests", "answer", first, "x", "--as", "Ann")["by_person"] == "Ann"
    assert casework.json("requests", "answer", second, "x")["by_person"] == getpass.getuser()
    assert casework("--as", "a  b", "requests", "list")[0] == 2


def test_going_through_what_waits_answers_each_kind(casework, asked):
    asked(APPROVAL, Request(title="Colour?"), Request(kind="form", title="How many?", schema={"type": "integer"}))
    code, output = casework("requests", "answer", input="yes\nred\nmany\n3\n")
    assert code == 0, output
    assert "'many' is not a whole number" in output
    assert "Answered 3 of 3 requests." in output
    assert [one["answer"] for one in casework.json("requests", "list", "--all")] == [True, "red", 3]


def typed(monkeypatch, *lines):
    """What a person types, line by line."""
    left = list(lines)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: left.pop(0))
    return left


def test_a_form_is_asked_field_by_field_until_it_fits(monkeypatch, capsys):
    left = typed(monkeypatch, "many", "3", "maybe", "yes", "post", "cash", "")
    assert ask_value(SCHEMA) == {"euros": 3, "fast": True, "way": "cash"}
    assert left == []
    assert capsys.readouterr().err.splitlines() == [
        "  Without cents",
        "'many' is not a whole number.",
        "'maybe' is not yes or no.",
        "It must be one of bank, cash.",
    ]


def test_arguments_stay_unless_something_is_typed(monkeypatch):
    typed(monkeypatch, "", "", "cash", "")
    assert ask_arguments({"euros": 120, "way": "bank", "other": [1]}, SCHEMA) == {
        "euros": 120,
        "way": "cash",
        "other": [1],
    }
    typed(monkeypatch, "7", "")
    assert ask_arguments({"a": 1, "b": "x"}, None) == {"a": 7, "b": "x"}


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("3", {"type": "integer"}, 3),
        ("3", {"type": "string"}, "3"),
        ("no", {"type": "boolean"}, False),
        ("[1]", {"type": "array"}, [1]),
        ("word", {}, "word"),
        ("2", {"enum": [1, 2]}, 2),
        ("1.5", {"type": ["number", "string"]}, 1.5),
    ],
)
def test_what_is_typed_becomes_a_value_of_the_fields_type(text, field, value):
    assert read_value(text, field) == value


@pytest.mark.parametrize(
    ("text", "field"), [("x", {"type": "number"}), ("NaN", {"type": "number"}), ("3", {"enum": [1]})]
)
def test_what_is_no_value_of_the_fields_type_is_refused(text, field):
    with pytest.raises(InvalidInput):
        read_value(text, field)
