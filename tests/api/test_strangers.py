"""Another team's things are not there: by any operation, and whatever its owner's requests left in memory."""

import json
import re
from uuid import uuid4

import pytest

from bench.statements import counted
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
    return one_of_everything(api, queue, agent)


def one_of_everything(api, queue, agent, **key):
    body = {"cases": [{"title": "secret", "data": "secret", "labels": [{"value": "secret"}]}, {"title": "secret two"}]}
    cases = api("POST", f"/v1/queues/{queue}/cases", 201, json=body, **key)["added_cases"]
    work = api("POST", f"/v1/agents/{agent}/claim", json={}, **key)
    run = work["run_id"]
    api("POST", f"/v1/runs/{run}/message", json={"attempt": 1, "text_content": "secret"}, **key)
    api("POST", f"/v1/runs/{run}/ask", json={"attempt": 1, "title": "secret?"}, **key)
    (request,) = api("GET", f"/v1/human-requests?queue_id={queue}", **key)["human_requests"]
    label = api("GET", f"/v1/queues/{queue}/labels", **key)["labels"][0]["id"]
    limit = {"queue_id": queue, "agent_id": agent, "key": "label:secret", "concurrency": 9}
    limited = api("PUT", "/v1/limits", json=limit, **key)["limit"]["id"]
    names = ("queue_id", "agent_id", "case_id", "run_id", "request_id", "label_id", "limit_id")
    return dict(zip(names, (queue, agent, cases[0]["id"], run, request["id"], label, limited), strict=True))


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
    "load_state": {"attempt": 1, "name": "x"},
    "save_state": {"attempt": 1, "name": "x", "value": "eA=="},
    "list_states": {"attempt": 1},
    "delete_state": {"attempt": 1, "name": "x"},
    "add_usage": {"attempt": 1, "requests": 1, "key": "x"},
    "stream_text": {"attempt": 1, "text": "x"},
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
    "bulk_postpone": {"until": "2h"},
}


def body_of(name, operation, ids):
    """What the operation asks for, with these ids."""
    body = dict(WRITES.get(name, {}))
    if name.startswith("bulk_"):
        body["case_ids"] = [ids["case_id"]]
    if name == "bulk_delegate":
        body["agent_id"] = ids["agent_id"]
    if name == "unlink_labels":
        body["label_ids"] = [ids["label_id"]]
    return {"json": body} if "requestBody" in operation else {}


def test_every_write_with_another_teams_ids_is_refused_as_not_there(api, ids):
    stranger = api.key(Role.ADMIN, keys.team(api.db, "strangers", create=True))
    before = json.dumps(api("GET", f"/v1/cases/{ids['case_id']}"))
    for path, item in api.client.get("/openapi.json").json()["paths"].items():
        for method, operation in item.items():
            if method == "get" or not re.search(r"{\w+}", path):
                continue
            name = operation["operationId"]
            options = body_of(name, operation, ids)
            answer = api.raw(method.upper(), path.format(**ids), token=stranger, **options)
            assert answer.status_code == 404, (name, answer.text)
    assert json.dumps(api("GET", f"/v1/cases/{ids['case_id']}")) == before


def test_another_teams_ids_take_the_statements_that_nobodys_do(api, ids):
    """What took one more would tell by its time that the id exists."""
    stranger = api.key(Role.ADMIN, keys.team(api.db, "strangers", create=True))
    nowhere = {name: str(uuid4()) for name in ids}
    besides = ("savepoint", "discard plans", "set last_used_at")
    differing = []
    for path, item in api.client.get("/openapi.json").json()["paths"].items():
        for method, operation in item.items() if re.search(r"{\w+}", path) else ():
            sent = []
            for asked in (ids, nowhere):
                options = {} if method == "get" else body_of(operation["operationId"], operation, asked)
                with counted() as statements:
                    api.raw(method.upper(), path.format(**asked), token=stranger, **options)
                sent.append([one for one in statements if not any(word in one for word in besides)])
            if sent[0] != sent[1]:
                differing.append((operation["operationId"], *map(len, sent)))
    assert differing == []


def test_one_foreign_id_among_ones_own_changes_and_tells_nothing(api, ids):
    """As another team's case in a list of one's own queue, or another team's agent as the target of a delegation."""
    key = {"token": api.key(Role.ADMIN, keys.team(api.db, "strangers", create=True))}
    before = {path: api("GET", path) for path in whole(ids)}
    own = fresh(api, key)
    count = 0
    for path, item in api.client.get("/openapi.json").json()["paths"].items():
        for method, operation in item.items():
            name = operation["operationId"]
            wanted = [
                one for one in ids if f"{{{one}}}" in path or ids[one] in json.dumps(body_of(name, operation, ids))
            ]
            for foreign in wanted if len(wanted) > 1 else ():
                answers = []
                for id in (ids[foreign], str(uuid4())):
                    mixed = {**own, foreign: id}
                    options = body_of(name, operation, mixed)
                    answers.append(api.raw(method.upper(), path.format(**mixed), **options, **key))
                    # What was refused has changed nothing of one's own either.
                    own = own if answers[-1].status_code == 404 else fresh(api, key)
                assert len({answer.status_code for answer in answers}) == 1, (name, foreign, answers[0].text)
                assert answers[0].status_code == 404 or name.startswith(("bulk_", "unlink_")), (name, foreign)
                count += 1
    assert count > 20
    assert {path: api("GET", path) for path in whole(ids)} == before


def whole(ids):
    """Reads of all that the first team has."""
    queue = f"/v1/queues/{ids['queue_id']}"
    reads = ("", "/cases", "/labels", "/consumers")
    return [
        *(queue + part for part in reads),
        "/v1/limits",
        f"/v1/cases/{ids['case_id']}",
        f"/v1/runs/{ids['run_id']}",
        f"/v1/agents/{ids['agent_id']}",
    ]


def fresh(api, key):
    """One of everything, of the stranger's team."""
    name = f"own {uuid4().hex[:8]}"
    queue = api("POST", "/v1/queues", 201, json={"name": name}, **key)["queue"]["id"]
    agent = api("POST", "/v1/agents", 201, json={"name": name}, **key)["agent"]["id"]
    api("PUT", f"/v1/queues/{queue}/consumers/{agent}", json={"concurrency": 1}, **key)
    return one_of_everything(api, queue, agent, **key)
