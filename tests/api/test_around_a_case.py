"""Runs, requests, labels and the explanation of a case over HTTP, and the queues and agents around it."""

from uuid import uuid4

from casework.core.model import DEFAULT_TEAM, CounterName
from casework.service import agents, queues, requests
from factories import claim, start, work_all


def test_runs_and_messages_of_a_case(api, queue, python_agent):
    (case_id,) = api.add(queue, "a")
    work_all(api.db, api.casework.settings)
    got = api("GET", f"/v1/cases/{case_id}")
    assert got["case"]["status"] == "needs_input"
    assert got["case"]["agent_run_status"] == "waiting"
    (run,) = api("GET", f"/v1/cases/{case_id}/runs")["runs"]
    assert (run["status"], run["has_pending_human_request"], run["pending_human_request_title"]) == (
        "waiting",
        True,
        "Which colour?",
    )
    path = f"/v1/cases/{case_id}/runs/{run['id']}/recent-messages"
    messages = api("GET", path)["messages"]
    assert [one["type"] for one in messages] == ["text", "text", "tool_call"]
    assert messages[0] == {**messages[0], "text_content": "before", "role": "assistant"}
    assert messages[2]["tool_call"]["name"] == "counter"
    assert len(api("GET", f"{path}?limit=1")["messages"]) == 1
    api("GET", f"{path}?limit=11", 400)
    other = api.add(queue, "b")[0]
    api("GET", f"/v1/cases/{other}/runs/{run['id']}/recent-messages", 404)
    assert len(api("GET", f"/v1/runs/{run['id']}/messages")["messages"]) == 4


def test_human_requests_are_answered_once(api, queue, python_agent):
    (case_id,) = api.add(queue, "a")
    work_all(api.db, api.casework.settings)
    (request,) = api("GET", "/v1/human-requests")["human_requests"]
    path = f"/v1/runs/{request['run_id']}/human-requests/{request['id']}/respond"
    api("POST", path, 400, json={})
    api("POST", path, 400, json={"approved": True})
    api("POST", path, 400, json={"answers": {"Another question?": "red"}})
    api(
        "POST",
        f"/v1/runs/{uuid4()}/human-requests/{request['id']}/respond",
        404,
        json={"answers": {"Which colour?": "red"}},
    )
    answered = api("POST", path, json={"answers": {"Which colour?": "red"}})["human_request"]
    assert (answered["status"], answered["response"], answered["responded_by"]) == ("answered", "red", "key tests")
    assert api("POST", path, 409, json={"answers": {"Which colour?": "blue"}})["error"] == "already_answered"
    work_all(api.db, api.casework.settings)
    (approval,) = requests.find(api.db, DEFAULT_TEAM)
    api("POST", f"/v1/queues/{queue}/cases/bulk-update-status", json={"case_ids": [case_id], "status": "completed"})
    api("POST", f"/v1/runs/{approval.run_id}/human-requests/{approval.id}/respond", 409, json={"approved": True})


def test_labels_from_creation_to_deletion(api, queue):
    (case_id,) = api.add(queue, "a")
    path, labels = f"/v1/queues/{queue}/cases/{case_id}/labels", f"/v1/queues/{queue}/labels"
    first = api("POST", path, json={"labels": [{"key": "k", "value": "v"}, {"value": "tag"}]})["labels"]
    assert api("POST", path, json={"labels": [{"key": "k", "value": "v"}]})["labels"] == first
    created = api("POST", labels, json={"key": "k", "value": "v", "color_hue": 5})["label"]
    assert (created["case_count"], created["color_hue"]) == (1, first[1]["color_hue"])
    new = api("POST", labels, json={"value": "new", "color_hue": 360})["label"]
    assert (new["case_count"], new["color_hue"]) == (0, 360)
    api("POST", labels, 400, json={"value": "x", "color_hue": 361})
    api("PATCH", f"{labels}/{new['id']}", 400, json={"color_hue": 1})
    api("PATCH", f"{labels}/{new['id']}", 409, json={"key": "k", "value": "v"})
    assert api("PATCH", f"{labels}/{created['id']}", json={"value": "w"})["label"]["value"] == "w"
    assert {(one["key"], one["value"]) for one in api("GET", path)["labels"]} == {("", "tag"), ("k", "w")}
    assert len(api("GET", f"{path}?limit=1&offset=1")["labels"]) == 1
    assert api("POST", f"{path}/unlink", json={"label_ids": [created["id"]]}) == {"success": True}
    assert api("DELETE", f"{labels}/{first[0]['id']}") == {"success": True}
    assert api("GET", path)["labels"] == []
    api("DELETE", f"{labels}/{uuid4()}", 404)
    api("POST", f"{path}/unlink", 400, json={"label_ids": []})
    api("POST", path, 400, json={"labels": []})


def test_an_idempotency_key_creates_once(api, queue):
    path, headers = f"/v1/queues/{queue}/cases", {"idempotency-key": "order-1"}
    body = {"case": {"title": "once"}}
    first = api("POST", path, 201, json=body, headers=headers)
    again = api.raw("POST", path, json=body, headers=headers)
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (201, first, "true")
    api("POST", path, 409, json={"case": {"title": "other"}}, headers=headers)
    assert api("GET", path)["total"] == 1
    api("POST", path, 400, json={"case": {"title": "x", "data": {"a": "\0"}}}, headers={"idempotency-key": "bad"})
    api("POST", path, 201, json=body, headers={"idempotency-key": "bad"})


def test_explain_names_the_reason(api, queue):
    (case_id,) = api.add(queue, "a")

    def code():
        return api("GET", f"/v1/cases/{case_id}/explain")["code"]

    assert code() == "no_consumer"
    agent = agents.create(api.db, api.casework.settings, DEFAULT_TEAM, "worker", target="sample_agents:asks")
    consumer = f"/v1/queues/{queue}/consumers/{agent.id}"
    api("PUT", consumer, json={"trigger": False})
    assert code() == "trigger_off"
    api("PUT", consumer, json={"concurrency": 1})
    assert code() == "no_ticker"
    api("POST", f"/v1/queues/{queue}/pause")
    assert code() == "queue_paused"
    api("POST", f"/v1/queues/{queue}/resume")
    (message,) = claim(api.db, api.casework.settings)
    assert code() == "no_worker"
    fence = start(api.db, message)
    assert code() == "running"
    api.add(queue, "b")
    second = api("GET", f"/v1/queues/{queue}/cases?search=b")["cases"][0]["id"]
    assert api("GET", f"/v1/cases/{second}/explain")["code"] == "at_concurrency_limit"
    api("POST", f"/v1/queues/{queue}/cases/bulk-retry", json={"case_ids": [case_id]})
    assert code() == "old_run_stopping"
    api("POST", f"/v1/queues/{queue}/cases/bulk-update-status", json={"case_ids": [case_id], "status": "failed"})
    assert code() == "ended"
    assert fence.case_id


def test_queues_agents_and_consumers(api):
    queue = api("POST", "/v1/queues", 201, json={"name": "q", "description": "d"})["queue"]
    api("POST", "/v1/queues", 409, json={"name": "q"})
    path = f"/v1/queues/{queue['id']}"
    assert api("PATCH", path, json={"name": "r", "description": None})["queue"]["name"] == "r"
    api("PATCH", path, 400, json={})
    assert api("POST", f"{path}/pause")["queue"]["mode"] == "paused"
    assert api("POST", f"{path}/resume")["queue"]["mode"] == "active"
    api("POST", "/v1/agents", 403, json={"name": "evil", "kind": "python", "target": "os:system"})
    api("POST", "/v1/agents", 400, json={"name": "none", "kind": "python"})
    api("POST", "/v1/agents", 403, json={"name": "evil", "kind": "command", "target": "reboot"})
    api("POST", "/v1/agents", 400, json={"name": "none", "kind": "command"})
    api("POST", "/v1/agents", 400, json={"name": "none", "kind": "command", "target": "sh 'open"})
    command = api("POST", "/v1/agents", 201, json={"name": "c", "kind": "command", "target": "sh triage.sh"})["agent"]
    assert (command["kind"], command["target"]) == ("command", "sh triage.sh")
    api("PATCH", f"/v1/agents/{command['id']}", 403, json={"target": "reboot"})
    assert (
        api("PATCH", f"/v1/agents/{command['id']}", json={"target": "sh other.sh"})["agent"]["target"] == "sh other.sh"
    )
    api("DELETE", f"/v1/agents/{command['id']}")
    agent = api(
        "POST",
        "/v1/agents",
        201,
        json={"name": "p", "kind": "python", "target": "sample_agents:completes", "max_attempts": 2},
    )["agent"]
    api("PATCH", f"/v1/agents/{agent['id']}", 403, json={"target": "os:system"})
    assert (
        api("PATCH", f"/v1/agents/{agent['id']}", json={"name": "p2", "max_attempts": None})["agent"]["max_attempts"]
        is None
    )
    limited = api("PATCH", f"/v1/agents/{agent['id']}", json={"timeout_seconds": 90})["agent"]
    assert limited["timeout_seconds"] == 90
    api("PATCH", f"/v1/agents/{agent['id']}", 400, json={"timeout_seconds": 0})
    api("POST", "/v1/agents", 400, json={"name": "elsewhere", "kind": "pull", "timeout_seconds": 90})
    api("PUT", f"{path}/consumers/{agent['id']}", 400, json={"concurrency": 0})
    consumer = api("PUT", f"{path}/consumers/{agent['id']}", json={"trigger": True, "concurrency": 2})["consumer"]
    assert (consumer["agent_name"], consumer["concurrency"]) == ("p2", 2)
    assert len(api("GET", f"{path}/consumers")["consumers"]) == 1
    api.add(queue["id"], "a", "b")
    work_all(api.db, api.casework.settings)
    stats = api("GET", f"{path}/stats")
    assert (stats["cases"]["completed"], stats["ended_last_hour"], stats["oldest_pending_seconds"]) == (2, 2, None)
    assert stats["counters"] == dict.fromkeys(CounterName, 0)
    run = api("GET", f"/v1/runs?queue_id={queue['id']}&status=completed")["runs"][0]
    assert api("GET", f"/v1/runs/{run['id']}")["run"] == run
    api("POST", f"/v1/runs/{run['id']}/stop", 409)
    api("DELETE", f"{path}/consumers/{agent['id']}")
    api("DELETE", f"{path}/consumers/{agent['id']}", 409)
    assert api("DELETE", f"/v1/agents/{agent['id']}")["success"] is True
    assert api("DELETE", path)["deleted_case_count"] == 2
    assert queues.find(api.db, DEFAULT_TEAM) == []
