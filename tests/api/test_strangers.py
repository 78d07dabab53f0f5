"""Another team's things are not there: by any operation, and whatever its owner's requests left in memory."""

import json
import re
from uuid import uuid4

import pytest

from casework.core.roles import Role
from casework.service import keys
from casework.service.listing import Counts


@pytest.fixture
def everything_is_remembered(client):
    state = client.app.state
    before, state.counts = state.counts, Counts(cheap_seconds=-1, times=1e9)
    yield
    state.counts = before


@pytest.fixture
def ids(api, queue, agent, everything_is_remembered):
    """One of everything, of the first team."""
    body = {"cases": [{"title": "secret", "data": "secret", "labels": [{"value": "secret"}]}, {"title": "secret two"}]}
    cases = api("POST", f"/v1/queues/{queue}/cases", 201, json=body)["added_cases"]
    work = api("POST", f"/v1/agents/{agent}/claim", json={})
    run = work["run_id"]
    api("POST", f"/v1/runs/{run}/message", json={"attempt": 1, "text_content": "secret"})
    api("POST", f"/v1/runs/{run}/ask", json={"attempt": 1, "title": "secret?"})
    (request,) = api("GET", "/v1/human-requests")["human_requests"]
    label = api("GET", f"/v1/queues/{queue}/labels")["labels"][0]["id"]
    names = ("queue_id", "agent_id", "case_id", "run_id", "request_id", "label_id")
    return dict(zip(names, (queue, agent, cases[0]["id"], run, request["id"], label), strict=True))


def reads(client):
    for path, item in client.get("/openapi.json").json()["paths"].items():
        for method, operation in item.items():
            if path.startswith("/v1") and (method == "get" or operation["operationId"] == "search_cases"):
                yield method.upper(), path


def shaped(text, ids):
    """An answer without what differs between two that say the same: the ids that were asked for."""
    for one in ids.values():
        text = text.replace(one, "ID")
    return text


def test_every_read_says_the_same_to_a_stranger_before_and_after_its_owner(api, ids):
    stranger = api.key(Role.ADMIN, keys.team(api.db, "strangers", create=True))
    nowhere = {name: str(uuid4()) for name in ids}
    count = 0
    for method, path in reads(api.client):
        options = {"json": {"search": "secret"}} if method == "POST" else {}
        asked = path.format(**ids)
        before = api.raw(method, asked, token=stranger, **options)
        assert api.raw(method, asked, **options).status_code == 200, path
        assert api.raw(method, asked, **options).status_code == 200, path
        after = api.raw(method, asked, token=stranger, **options)
        of_nobody = api.raw(method, path.format(**nowhere), token=stranger, **options)
        expected = 404 if "{" in path else 200
        assert {before.status_code, after.status_code, of_nobody.status_code} == {expected}, path
        assert shaped(before.text, ids) == shaped(after.text, ids) == shaped(of_nobody.text, nowhere), path
        assert "secret" not in after.text
        count += 1
    assert count > 15


def test_a_filter_by_another_teams_ids_finds_nothing(api, ids):
    stranger = api.key(Role.ADMIN, keys.team(api.db, "strangers", create=True))
    for name in ("queue_id", "case_id", "agent_id"):
        assert api("GET", "/v1/runs", params={name: ids[name]})["runs"]
        assert api("GET", "/v1/runs", params={name: ids[name]}, token=stranger)["runs"] == []
    api("GET", "/v1/human-requests", 404, params={"queue_id": ids["queue_id"]}, token=stranger)


WRITES = {
    "claim_case": {},
    "heartbeat": {"attempt": 1},
    "add_message": {"attempt": 1, "text_content": "x"},
    "update_held_case": {"attempt": 1, "data": "x"},
    "record_step": {"attempt": 1, "name": "x"},
    "ask_person": {"attempt": 1, "title": "x"},
    "report_outcome": {"attempt": 1, "outcome": "complete"},
    "create_cases": {"case": {"title": "x"}},
    "update_case": {"title": "x"},
    "assign_labels": {"labels": [{"value": "x"}]},
    "create_label": {"value": "x"},
    "update_label": {"value": "x"},
    "update_queue": {"name": "x"},
    "update_agent": {"name": "x"},
    "put_consumer": {},
    "respond_to_human_request": {"answers": {"secret?": "x"}},
    "bulk_update_status": {"status": "failed"},
}


def test_every_write_with_another_teams_ids_is_refused_as_not_there(api, ids):
    stranger = api.key(Role.ADMIN, keys.team(api.db, "strangers", create=True))
    before = json.dumps(api("GET", f"/v1/cases/{ids['case_id']}"))
    for path, item in api.client.get("/openapi.json").json()["paths"].items():
        for method, operation in item.items():
            if method == "get" or not re.search(r"{\w+}", path):
                continue
            name = operation["operationId"]
            body = dict(WRITES.get(name, {}))
            if name.startswith("bulk_"):
                body["case_ids"] = [ids["case_id"]]
            if name == "bulk_delegate":
                body["agent_id"] = ids["agent_id"]
            if name == "unlink_labels":
                body["label_ids"] = [ids["label_id"]]
            options = {"json": body} if "requestBody" in operation else {}
            answer = api.raw(method.upper(), path.format(**ids), token=stranger, **options)
            assert answer.status_code == 404, (name, answer.text)
    assert json.dumps(api("GET", f"/v1/cases/{ids['case_id']}")) == before
