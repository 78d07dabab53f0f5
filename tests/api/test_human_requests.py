"""Requests to people over HTTP."""

import pytest

from casework.core.model import DEFAULT_TEAM
from casework.core.roles import Role
from casework.service import keys

SCHEMA = {"type": "object", "properties": {"euros": {"type": "integer"}}, "required": ["euros"]}
REFUND = {
    "type": "approval",
    "title": "Refund?",
    "action": {"name": "refund", "arguments": {"euros": 120}, "schema": SCHEMA},
    "decisions": ["approve", "edit", "reject"],
}


def claim(api, agent):
    return api("POST", f"/v1/agents/{agent}/claim", json={})


@pytest.fixture
def ask(api, queue, agent):
    """`ask(*requests)`: a run elsewhere has made these in one wait. Returns the requests as they wait."""

    def ask(*requests):
        api.add(queue, "a")
        work = claim(api, agent)
        body = {"attempt": 1, "outcome": "needs_input", "requests": list(requests)}
        assert api("POST", f"/v1/runs/{work['run_id']}/outcome", json=body) == {"result": "needs_input"}
        return waiting(api)

    return ask


def waiting(api, **query):
    return api("GET", "/v1/human-requests", params=query)["human_requests"]


def answer(api, request, code=200, **given):
    person = given.pop("person", None)
    headers = {"casework-person": person.encode()} if person else {}
    path = f"/v1/human-requests/{request['id']}/answer"
    return api("POST", path, code, json=given, headers=headers, token=given.pop("token", None))


def history(api, request):
    return api("GET", f"/v1/cases/{request['case_id']}")["events"]


def test_an_edited_action_comes_back_with_its_types(api, agent, ask):
    (request,) = ask({**REFUND, "description": "It **broke**.", "key": "refund"})
    assert request["action"] == REFUND["action"]
    done = answer(api, request, arguments={"euros": 90}, message="half", person="Zoë")["human_request"]
    assert (done["decision"], done["response"], done["arguments"]) == ("edit", True, {"euros": 90})
    assert (done["by_key"], done["by_person"], done["responded_by"]) == ("tests", "Zoë", "Zoë")
    (given,) = claim(api, agent)["answers"]
    assert (given["decision"], given["arguments"], given["message"], given["key"]) == (
        "edit",
        {"euros": 90},
        "half",
        "refund",
    )
    event = history(api, request)[-2]
    assert (event["type"], event["by_key"], event["by_person"]) == ("input_received", "tests", "Zoë")


def test_a_group_comes_back_when_all_are_answered(api, agent, ask):
    first, second = ask({"title": "Name?"}, {"title": "Name?"})
    assert first["group_id"] == second["group_id"] == first["id"]
    answer(api, second, value="Bob")
    assert api.raw("POST", f"/v1/agents/{agent}/claim", json={}).status_code == 204
    answer(api, first, value="Ann")
    assert [(one["position"], one["response"]) for one in claim(api, agent)["answers"]] == [(0, "Ann"), (1, "Bob")]


def test_a_second_answer_is_a_conflict_that_says_what_the_first_was(api, ask):
    (request,) = ask(REFUND)
    answer(api, request, decision="reject", message="no", person="Ann")
    body = answer(api, request, 409, decision="approve")
    assert body["message"] == 'The request is answered already: it was rejected by Ann, with the message "no".'


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"decision": "respond", "value": "x"}, "answered with approve or edit or reject, not with respond"),
        ({"arguments": {"euros": "90"}}, "$.euros: '90' is not of type 'integer'"),
        ({"arguments": {}}, "'euros' is a required property"),
        ({"decision": "approve", "arguments": {"euros": 1}}, "Arguments belong to the decision edit"),
        ({"message": "hm"}, "decision"),
        ({"decision": "expired"}, "decision"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(api, ask, given, message):
    (request,) = ask(REFUND)
    assert message in answer(api, request, 400, **given)["message"]
    assert waiting(api) == [request]


def test_requests_are_listed_by_kind_and_assignee(api, ask):
    named, key_, form = ask(
        {"title": "a", "assignees": ["Ann"]},
        {"title": "b", "assignees": ["tests"]},
        {"type": "form", "title": "c", "schema": {"type": "integer"}},
    )
    headers = {"casework-person": "Ann"}
    mine = api("GET", "/v1/human-requests?assignee=me", headers=headers)["human_requests"]
    assert [one["id"] for one in mine] == [named["id"], key_["id"]]
    assert [one["id"] for one in waiting(api, assignee="Ann")] == [named["id"]]
    assert [one["id"] for one in waiting(api, kind="form")] == [form["id"]]
    assert api("GET", f"/v1/human-requests/{form['id']}")["human_request"] == form


def test_who_is_not_assigned_is_refused(api, ask):
    (request,) = ask({"title": "a", "assignees": ["Ann"]})
    assert "is for Ann" in answer(api, request, 403, value="x", person="Bob")["message"]
    answer(api, request, value="x", person="Ann")


def test_a_form_is_not_answered_with_another_type(api, ask):
    (request,) = ask({"type": "form", "title": "How many?", "schema": {"type": "integer"}})
    path = f"/v1/runs/{request['run_id']}/human-requests/{request['id']}/respond"
    assert "does not fit" in api("POST", path, 400, json={"answers": {"How many?": "3"}})["message"]
    assert answer(api, request, value=3)["human_request"]["response"] == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"type": "form", "title": "a"}, "needs a schema"),
        ({"title": "a", "schema": {"$ref": "http://127.0.0.1/x"}}, "lies elsewhere"),
        ({"title": "a", "expires": "soon"}, "not a duration"),
        ({"title": "a", "kind": "form"}, "kind"),
        ({"title": "a", "decisions": ["expired"]}, "does not belong"),
    ],
)
def test_a_request_that_cannot_be_asked_leaves_the_run_at_work(api, queue, agent, wrong, message):
    api.add(queue, "a")
    work = claim(api, agent)
    body = {"attempt": 1, "outcome": "needs_input", "requests": [{"title": "fine"}, wrong]}
    assert message in api("POST", f"/v1/runs/{work['run_id']}/outcome", 400, json=body)["message"]
    assert waiting(api) == []
    api("POST", f"/v1/runs/{work['run_id']}/outcome", json={"attempt": 1, "outcome": "complete"})


@pytest.mark.parametrize("name", [b"a  b", b"x" * 101, b""])
def test_a_person_that_is_no_name_is_refused(api, name):
    assert api.raw("GET", "/v1/queues", headers={"casework-person": name}).status_code == 400


def test_the_history_names_key_and_person(api, queue):
    _, token = keys.create(api.db, DEFAULT_TEAM, "desk", Role.OPERATOR)
    (case_id,) = api.add(queue, "a")
    ann = {"headers": {"casework-person": "Ann"}, "token": token}
    api("PATCH", f"/v1/cases/{case_id}", json={"priority": "high"}, **ann)
    api("POST", f"/v1/queues/{queue}/cases/bulk-update-status", json={"case_ids": [case_id], "status": "failed"}, **ann)
    api("POST", f"/v1/queues/{queue}/cases/bulk-retry", json={"case_ids": [case_id]}, token=token)
    told = [
        (event["type"], event["by_key"], event["by_person"], event["changes"])
        for event in api("GET", f"/v1/cases/{case_id}")["events"][1:]
    ]
    assert told == [
        ("updated", "desk", "Ann", [{"field": "priority", "old": "none", "new": "high"}]),
        ("settled", "desk", "Ann", [{"field": "status", "old": "pending", "new": "failed"}]),
        ("retried", "desk", None, [{"field": "status", "old": "failed", "new": "pending"}]),
    ]
