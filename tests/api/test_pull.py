"""Agents over HTTP: the same fence, the same lease."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest

from casework.core.model import CaseId
from casework.core.roles import Role
from casework.service.sweep import sweep
from factories import history
from patience import PATIENCE


def add(api, queue, title="a", **fields):
    return api("POST", f"/v1/queues/{queue}/cases", 201, json={"case": {"title": title, **fields}})["added_cases"][0][
        "id"
    ]


def claim(api, agent, **body):
    return api("POST", f"/v1/agents/{agent}/claim", json=body)


def report(api, work, code=200, **body):
    return api("POST", f"/v1/runs/{work['run_id']}/outcome", code, json={"attempt": work["attempt"], **body})


def test_works_a_case_from_claim_to_outcome(api, queue, agent):
    api("POST", f"/v1/agents/{agent}/claim", 204)
    case_id = add(api, queue, data={"n": 1}, labels=[{"key": "k", "value": "v"}])
    work = claim(api, agent, worker="me")
    assert work["case"] == {**work["case"], "id": case_id, "data": {"n": 1}, "labels": [{"key": "k", "value": "v"}]}
    add(api, queue, "second")
    api("POST", f"/v1/agents/{agent}/claim", 204)
    run = f"/v1/runs/{work['run_id']}"
    attempt = {"attempt": work["attempt"]}
    assert api("POST", f"{run}/heartbeat", json=attempt) == {"stop": False}
    api("POST", f"{run}/message", json={**attempt, "text_content": "working"})
    api(
        "POST",
        f"{run}/message",
        json={**attempt, "type": "tool_call", "tool_call": {"name": "look", "arguments": {"a": 1}}},
    )
    api("POST", f"{run}/message", 400, json={**attempt, "type": "tool_call"})
    both = {"text_content": "looking", "tool_call": {"name": "look"}}
    assert "not tool_call" in api("POST", f"{run}/message", 400, json={**attempt, **both})["message"]
    api("POST", f"{run}/update", json={**attempt, "data": {"n": 2}})
    assert report(api, work, outcome="complete", reason="done") == {"result": "completed"}
    case = api("GET", f"/v1/cases/{case_id}")
    assert (case["case"]["status"], case["case"]["data"], case["events"][-1]["reason"]) == (
        "completed",
        {"n": 2},
        "done",
    )
    assert [one["type"] for one in api("GET", f"{run}/messages")["messages"]] == ["text", "tool_call"]
    assert claim(api, agent)["case"]["title"] == "second"


def test_changes_priority_and_labels_of_its_case(api, queue, agent):
    case_id = add(api, queue)
    work = claim(api, agent)
    update = f"/v1/runs/{work['run_id']}/update"
    api("POST", update, json={"attempt": 1, "priority": "high", "labels": [{"key": "team", "value": "north"}]})
    api("POST", update, json={"attempt": 1, "labels": [{"value": "seen"}]})
    got = api("GET", f"/v1/cases/{case_id}")
    assert (got["case"]["priority"], [one["value"] for one in got["case"]["labels"]]) == ("high", ["seen"])
    assert got["events"][-1]["changes"] == [{"field": "labels", "old": ["team=north"], "new": ["seen"]}]
    api("POST", update, 400, json={"attempt": 1})
    api("POST", update, 400, json={"attempt": 1, "priority": "urgent"})
    api("POST", update, 400, json={"attempt": 1, "labels": [{"value": ""}]})
    api("POST", update, 409, json={"attempt": 2, "labels": []})
    assert [one["value"] for one in api("GET", f"/v1/cases/{case_id}")["case"]["labels"]] == ["seen"]


def test_returns_a_question_with_its_answer(api, queue, agent):
    add(api, queue)
    work = claim(api, agent)
    run = f"/v1/runs/{work['run_id']}"
    api("POST", f"{run}/step", json={"attempt": 1, "name": "looked up", "value": [1]})
    api("POST", f"{run}/ask", json={"attempt": 1, "title": "Which one?", "options": ["a", "b"]})
    (request,) = api("GET", "/v1/human-requests")["human_requests"]
    api("POST", f"{run}/human-requests/{request['id']}/respond", json={"answers": {"Which one?": "b"}})
    again = claim(api, agent)
    assert (again["run_id"], again["attempt"]) == (work["run_id"], 2)
    (answer,) = again["answers"]
    given = {"type": "question", "title": "Which one?", "response": "b", "question": "Which one?", "answer": "b"}
    assert given.items() <= answer.items()
    assert again["steps"] == {"looked up": [1]}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"outcome": "fail", "reason": "no"}, "failed"),
        ({"outcome": "postpone", "until": "2h"}, "postponed"),
        ({"outcome": "try_again", "reason": "busy"}, "pending"),
        ({"outcome": "try_again", "reason": "busy", "retry_after": 0.5}, "pending"),
        ({"outcome": "release"}, "pending"),
        ({"outcome": "hand_over", "to": "nobody"}, "failed"),
    ],
)
def test_writes_the_outcome_that_an_agent_elsewhere_reports(api, queue, agent, body, status):
    case_id = add(api, queue)
    report(api, claim(api, agent), **body)
    assert api("GET", f"/v1/cases/{case_id}")["case"]["status"] == status


def test_waits_as_a_service_asked_an_agent_elsewhere_costing_nothing(api, queue, agent):
    case_id = add(api, queue)
    for number in range(1, 8):
        work = claim(api, agent)
        assert work["attempt"] == number
        report(api, work, outcome="try_again", reason="busy", retry_after=300)
        api("POST", f"/v1/agents/{agent}/claim", 204)
        with api.db.begin() as tx:
            waits = tx.sql("select ready_at - now() from cases").scalar_one()
            tx.sql("update cases set ready_at = now()")
        assert waits >= timedelta(seconds=290)
    assert api("GET", f"/v1/cases/{case_id}")["case"]["status"] == "pending"
    with api.db.begin() as tx:
        found = tx.sql("select failures, asked_wait_seconds from runs").one()
    assert found.failures == 0
    assert found.asked_wait_seconds >= 7 * 300


def test_counts_asked_waits_beyond_the_limit_of_all(api, queue, agent):
    case_id = add(api, queue)
    for _ in range(5):
        report(api, claim(api, agent), outcome="try_again", retry_after=86_400)
        with api.db.begin() as tx:
            tx.sql("update cases set ready_at = now()")
    assert api("GET", f"/v1/cases/{case_id}")["case"]["status"] == "failed"


def test_changes_nothing_for_a_bad_outcome(api, queue, agent):
    case_id = add(api, queue)
    work = claim(api, agent)
    for body in (
        {"outcome": "odd"},
        {"outcome": "postpone"},
        {"outcome": "postpone", "until": "soon"},
        {"outcome": "hand_over"},
        {"outcome": "complete", "until": "2h"},
        {"outcome": "try_again", "to": "somebody"},
        {"outcome": "fail", "retry_after": 8},
        {"outcome": "try_again", "retry_after": -1},
        {"outcome": "try_again", "retry_after": True},
        {"outcome": "try_again", "retry_after": "8"},
        {"outcome": "try_again", "retry_after": 1e300},
        {"outcome": "try_again", "retryafter": 8},
        {},
    ):
        report(api, work, 400, **body)
    assert api("GET", f"/v1/cases/{case_id}")["case"]["status"] == "claimed"


def test_takes_a_silent_agents_run_and_records_its_late_writes(api, queue, agent):
    case_id = add(api, queue)
    work = claim(api, agent)
    with api.db.begin() as tx:
        tx.sql("update runs set last_heartbeat_at = last_heartbeat_at - %(age)s", {"age": timedelta(seconds=31)})
    sweep(api.db, api.casework.settings)
    other = claim(api, agent)
    assert (other["run_id"], other["attempt"]) == (work["run_id"], 2)
    run, late = f"/v1/runs/{work['run_id']}", {"attempt": 1}
    api("POST", f"{run}/heartbeat", 409, json=late)
    api("POST", f"{run}/message", 409, json={**late, "text_content": "late"})
    api("POST", f"{run}/update", 409, json={**late, "data": "late"})
    api("POST", f"{run}/ask", 409, json={**late, "title": "late?"})
    assert report(api, work, 409, outcome="complete")["error"] == "run_lost"
    assert history(api.db, CaseId(UUID(case_id))).count("write_refused") == 4
    report(api, other, outcome="complete")


def test_tells_an_agent_to_stop_and_takes_its_run_back(api, queue, agent):
    case_id = add(api, queue)
    work = claim(api, agent)
    api("POST", f"/v1/queues/{queue}/cases/bulk-retry", json={"case_ids": [case_id]})
    assert api("POST", f"/v1/runs/{work['run_id']}/heartbeat", json={"attempt": 1}) == {"stop": True}
    api("POST", f"/v1/agents/{agent}/claim", 204)
    assert report(api, work, outcome="release") == {"result": "interrupted"}
    assert claim(api, agent)["run_id"] != work["run_id"]


def test_gives_a_long_poll_a_case_that_comes_meanwhile(api, queue, agent):
    found = []
    thread = threading.Thread(target=lambda: found.append(claim(api, agent, wait_seconds=20)))
    thread.start()
    case_id = add(api, queue)
    thread.join(PATIENCE)
    assert found[0]["case"]["id"] == case_id
    api("POST", f"/v1/agents/{agent}/claim", 400, json={"wait_seconds": 31})


def test_an_agent_claims_by_its_name_as_by_its_id(api, queue, agent):
    case_id = add(api, queue)
    assert claim(api, "remote")["case"]["id"] == case_id
    api("POST", "/v1/agents/remote/claim", 204, json={"wait_seconds": 1})
    other = api("POST", "/v1/agents", 201, json={"name": "other"})["agent"]["id"]
    foreign = api.key(Role.AGENT, for_agents=[UUID(other)])
    for unknown in ("nobody", "x" * 100, "a%20b"):
        assert "There is no agent" in api("POST", f"/v1/agents/{unknown}/claim", 404)["message"]
    assert "There is no agent" in api("POST", "/v1/agents/remote/claim", 404, token=foreign)["message"]
    api("POST", f"/v1/agents/{'x' * 101}/claim", 400)


def test_refuses_work_to_agents_that_do_not_pull(api, queue):
    body = {"name": "p", "kind": "python", "target": "sample_agents:completes"}
    python = api("POST", "/v1/agents", 201, json=body)["agent"]["id"]
    api("POST", f"/v1/agents/{python}/claim", 409)
