"""Requests to people as forms of the protocol, and what is filled in as answers."""

import pytest
from conversing import fills_in

from casework.agents.stop import Suspended
from casework.core.model import DEFAULT_TEAM
from casework.core.requests import Action, Decision, Placed, Request
from casework.core.roles import Role
from casework.mcp import forms
from casework.mcp.answers import answerable
from casework.mcp.caller import of_key
from casework.service import keys, pull, requests
from factories import some_cases, the_case

FLAT = {
    "type": "object",
    "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer"}, "vip": {"type": "boolean"}},
    "required": ["name"],
}
NESTED = {"type": "object", "properties": {"lines": {"type": "array", "items": {"type": "integer"}}}}
REFUND = Action(name="refund", arguments={"order": "A-1", "euros": 120})
ALL = [Decision.APPROVE, Decision.EDIT, Decision.REJECT, Decision.RESPOND]


@pytest.fixture
def ask(models, queue, robot):
    """Have the agent ask for a new case; returns what was stored."""

    def asked(*wanted):
        (id,) = some_cases(models.db, queue)
        run_id, _, attempt = models("claim_case", robot)["claim"].partition(".")
        wait = Suspended(*(Placed(one) for one in wanted))
        settings = models.casework.settings
        pull.ask(models.db, settings, DEFAULT_TEAM, run_id, int(attempt), wait)
        found = requests.find(models.db, DEFAULT_TEAM)
        return [one for one in found if one.case_id == id]

    return asked


CASES = {
    "question": (Request(title="Name?"), {"answer": "Ann"}, (Decision.RESPOND, "Ann", None)),
    "options": (Request(title="Colour?", options=["red"]), {"answer": "red"}, (Decision.RESPOND, "red", None)),
    "number": (Request(title="How many?", schema={"type": "integer"}), {"answer": 3}, (Decision.RESPOND, 3, None)),
    "form": (
        Request(kind="form", title="Who?", schema=FLAT),
        {"name": "Ann", "age": 40, "vip": None},
        (Decision.RESPOND, {"name": "Ann", "age": 40}, None),
    ),
    "nested form": (
        Request(kind="form", title="Lines?", schema=NESTED),
        {"answer": '{"lines": [1, 2]}'},
        (Decision.RESPOND, {"lines": [1, 2]}, None),
    ),
    "question that may be refused": (
        Request(title="Name?", decisions=[Decision.RESPOND, Decision.REJECT]),
        {"decision": "reject"},
        (Decision.REJECT, None, None),
    ),
    "approval": (
        Request(kind="approval", title="Refund?", action=REFUND),
        {"decision": "approve"},
        (Decision.APPROVE, True, REFUND.arguments),
    ),
    "rejection": (
        Request(kind="approval", title="Refund?", action=REFUND),
        {"decision": "reject", "message": "too much"},
        (Decision.REJECT, False, None),
    ),
    "edit": (
        Request(kind="approval", title="Refund?", action=REFUND, decisions=ALL),
        {"decision": "edit", "arguments": '{"order": "A-1", "euros": 60}'},
        (Decision.EDIT, True, {"order": "A-1", "euros": 60}),
    ),
    "response to an approval": (
        Request(kind="approval", title="Refund?", action=REFUND, decisions=ALL),
        {"decision": "respond", "answer": "ask again tomorrow"},
        (Decision.RESPOND, "ask again tomorrow", None),
    ),
}


@pytest.mark.parametrize(("request_", "content", "expected"), CASES.values(), ids=CASES)
def test_a_form_is_filled_in_and_becomes_the_answer(models, ask, request_, content, expected):
    (asked,) = ask(request_)
    person = fills_in(content)
    answered = models("answer_request", client={"elicitation_callback": person}, request_id=str(asked.id))
    found = requests.get(models.db, DEFAULT_TEAM, asked.id)
    assert (found.decision, found.answer, found.arguments) == expected
    assert found.message == content.get("message")
    assert answered["status"] == "answered"
    schema = forms.form(asked).requested_schema
    assert set(content) <= set(schema["properties"])
    assert set(schema["required"]) <= set(content)
    allowed = {"string", "integer", "number", "boolean"}
    assert {one["type"] for one in schema["properties"].values()} <= allowed


@pytest.mark.parametrize(
    ("request_", "content"),
    [
        (Request(title="Colour?", options=["red"]), {"answer": "green"}),
        (Request(kind="form", title="Who?", schema=FLAT), {"name": "Ann", "age": "old"}),
        (Request(kind="form", title="Who?", schema=FLAT), {}),
        (Request(kind="form", title="Lines?", schema=NESTED), {"answer": "{"}),
        (Request(kind="form", title="Lines?", schema=NESTED), {"answer": '{"lines": ["a"]}'}),
        (Request(kind="approval", title="Refund?", action=REFUND), {}),
        (Request(kind="approval", title="Refund?", action=REFUND), {"decision": "edit"}),
        (
            Request(kind="approval", title="Refund?", action=REFUND, decisions=ALL),
            {"decision": "edit", "arguments": "[]"},
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_the_request_stays(models, ask, request_, content):
    (asked,) = ask(request_)
    person = {"elicitation_callback": fills_in(content)}
    models.refused("answer_request", client=person, request_id=str(asked.id))
    assert requests.get(models.db, DEFAULT_TEAM, asked.id).status == "pending"


def test_shows_what_is_to_be_approved(models, ask):
    seen = []
    (asked,) = ask(Request(kind="approval", title="Refund?", description="Late **parcel**", action=REFUND))
    (shown,) = models("list_requests")["requests"]
    assert models("get_case", case_id=str(asked.case_id))["asks"] == [shown]
    assert (shown["action"], shown["arguments"]) == ("refund", {"order": "A-1", "euros": 120})
    assert shown["decisions"] == ["approve", "reject"]
    person = {"elicitation_callback": fills_in({"decision": "approve"}, seen=seen)}
    models("answer_request", client=person, request_id=str(asked.id))
    assert "Late **parcel**" in seen[0]
    assert 'refund: {"order":"A-1","euros":120}' in seen[0]


def test_an_answer_says_whose_key_gave_it(models, ask):
    (asked,) = ask(Request(title="Name?"))
    token = models.key(Role.APPROVER, "ann")
    assert models("answer_request", token, request_id=str(asked.id), value="Ann")["answered_by"] == "key ann"
    history = models("get_case", case_id=str(asked.case_id))["history"]
    assert history[-1]["by"] == "ann"


def test_a_group_goes_on_when_all_of_it_is_answered(models, ask):
    first, second = ask(Request(title="Name?"), Request(kind="approval", title="Refund?", action=REFUND))
    models("answer_request", request_id=str(first.id), value="Ann")
    assert the_case(models.db, first.case_id).status == "needs_input"
    models("answer_request", request_id=str(second.id), decision="approve")
    assert the_case(models.db, first.case_id).status == "pending"


def test_asks_only_for_what_a_key_may_answer(models, ask):
    token = models.key(Role.OPERATOR, "ann")
    mine, others, anybodys = ask(*(Request(title=f"{one}?", assignees=one) for one in (["ann"], ["bob"], [])))
    caller = of_key(models.casework, keys.authenticate(models.db, token))
    assert [one.id for one in answerable(caller, [mine, others, anybodys])] == [mine.id, anybodys.id]
    reader = of_key(models.casework, keys.authenticate(models.db, models.key(Role.READER)))
    assert answerable(reader, [anybodys]) == []
    assert "is for bob" in models.refused("answer_request", token, request_id=str(others.id), value="x")


def test_one_of_several_approvals_is_not_asked_for_again(models, ask):
    (asked,) = ask(Request(kind="approval", title="Refund?", action=REFUND, approvals=2))
    ann, bob = models.key(Role.APPROVER, "ann"), models.key(Role.APPROVER, "bob")
    first = models("answer_request", ann, request_id=str(asked.id), decision="approve")
    assert (first["status"], first["approved_by"]) == ("pending", ["key ann"])
    now = requests.get(models.db, DEFAULT_TEAM, asked.id)
    assert answerable(of_key(models.casework, keys.authenticate(models.db, ann)), [now]) == []
    assert models("answer_request", bob, request_id=str(asked.id), decision="approve")["status"] == "answered"
