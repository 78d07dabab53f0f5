"""What people do to cases over HTTP beyond the contract: set aside, retry by the same agent, create for later or once."""

from datetime import UTC, datetime, timedelta

import pytest


def bulk(api, queue, act, code=200, **body):
    return api("POST", f"/v1/queues/{queue}/cases/bulk-{act}", code, json=body)


def test_cases_are_set_aside_for_a_time_or_until_a_moment(api, queue):
    first, second = api.add(queue, "a", "b")
    assert bulk(api, queue, "postpone", case_ids=[first], until="2h", reason="closed") == {
        "postponedCount": 1,
        "skippedCount": 0,
        "interruptedRunIds": [],
    }
    moment = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    bulk(api, queue, "postpone", case_ids=[second], until=moment.isoformat())
    got = api("GET", f"/v1/cases/{second}")
    assert (got["case"]["status"], datetime.fromisoformat(got["case"]["postponed_to"])) == ("postponed", moment)
    history = api("GET", f"/v1/cases/{first}")["events"]
    assert (history[-1]["type"], history[-1]["reason"]) == ("postponed", "closed")


@pytest.mark.parametrize("until", ["", "soon", "2020-01-01T00:00:00Z", "2099-01-01T00:00:00", 5, None])
def test_a_time_that_cannot_be_is_refused(api, queue, until):
    (case_id,) = api.add(queue, "a")
    bulk(api, queue, "postpone", 400, case_ids=[case_id], until=until)
    assert api("GET", f"/v1/cases/{case_id}")["case"]["status"] == "pending"


def test_cases_that_have_ended_are_not_set_aside(api, queue):
    (case_id,) = api.add(queue, "a")
    bulk(api, queue, "update-status", case_ids=[case_id], status="completed")
    assert bulk(api, queue, "postpone", case_ids=[case_id], until="2h")["skippedCount"] == 1


def test_a_retry_says_why_no_agent_would_take_the_case(api, queue, agent):
    (case_id,) = api.add(queue, "a")
    api("PUT", f"/v1/queues/{queue}/consumers/{agent}", json={"trigger": False})
    bulk(api, queue, "delegate", case_ids=[case_id], agent_id=agent)
    bulk(api, queue, "update-status", case_ids=[case_id], status="failed")
    done = bulk(api, queue, "retry", case_ids=[case_id])
    assert (done["retriedCount"], done["untaken"]["code"]) == (1, "trigger_off")
    assert api("GET", f"/v1/cases/{case_id}")["case"]["assigned_agent_id"] is None
    assert "untaken" not in bulk(api, queue, "retry", case_ids=[case_id])


def test_a_retry_by_the_same_agent_keeps_the_delegation(api, queue, agent):
    (case_id,) = api.add(queue, "a")
    bulk(api, queue, "delegate", case_ids=[case_id], agent_id=agent)
    bulk(api, queue, "update-status", case_ids=[case_id], status="failed")
    assert bulk(api, queue, "retry", case_ids=[case_id], same_agent=True) == {"retriedCount": 1, "skippedCount": 0}
    assert api("GET", f"/v1/cases/{case_id}")["case"]["assigned_agent_id"] == agent
    bulk(api, queue, "update-status", case_ids=[case_id], status="failed")
    api("DELETE", f"/v1/queues/{queue}/consumers/{agent}")
    assert bulk(api, queue, "retry", 409, case_ids=[case_id], same_agent=True)["error"] == "not_a_consumer"


def test_a_case_is_created_for_later(api, queue):
    body = {"cases": [{"title": "a", "ready_at": "2h"}, {"title": "b", "ready_at": "2099-05-01T08:00:00+02:00"}]}
    first, second = api("POST", f"/v1/queues/{queue}/cases", 201, json=body)["added_cases"]
    assert (first["status"], second["status"]) == ("postponed", "postponed")
    assert datetime.fromisoformat(second["postponed_to"]) == datetime(2099, 5, 1, 6, tzinfo=UTC)
    assert api("GET", f"/v1/cases/{first['id']}/explain")["code"] in ("postponed", "no_consumer")


@pytest.mark.parametrize("ready_at", ["", "soon", "2099-01-01T00:00:00", 5])
def test_a_case_for_no_time_is_refused(api, queue, ready_at):
    api("POST", f"/v1/queues/{queue}/cases", 400, json={"case": {"title": "a", "ready_at": ready_at}})
    assert api("GET", f"/v1/queues/{queue}/cases")["total"] == 0


def test_one_case_for_no_time_keeps_all_out_and_is_named(api, queue):
    body = {"cases": [{"title": "a"}, {"title": "b", "ready_at": "soon"}]}
    answer = api("POST", f"/v1/queues/{queue}/cases", 400, json=body)
    assert answer["message"].startswith("cases.1: 'soon' is not a duration")
    assert api("GET", f"/v1/queues/{queue}/cases")["total"] == 0


def test_a_case_with_a_key_is_created_once(api, queue):
    path = f"/v1/queues/{queue}/cases"
    first = api("POST", path, 201, json={"case": {"title": "a", "key": "order-1"}})
    assert (first["added_cases"][0]["key"], first["existing_case_ids"]) == ("order-1", [])
    body = {"cases": [{"title": "b"}, {"title": "a again", "key": "order-1"}]}
    for headers in ({}, {"idempotency-key": "x"}):
        again = api("POST", path, 201, json=body, headers=headers)
        assert [case["title"] for case in again["added_cases"]] == ["b", "a"]
        assert again["existing_case_ids"] == [first["added_cases"][0]["id"]]
    assert api("GET", path)["total"] == 3
    api("POST", path, 400, json={"case": {"title": "c", "key": ""}})


def test_a_retry_keeps_the_steps_which_are_listed_with_the_run(api, queue, agent):
    api.add(queue, "a")
    work = api("POST", f"/v1/agents/{agent}/claim")
    run = f"/v1/runs/{work['run_id']}"
    for name, value in (("weigh", {"kg": 3}), ("label", None)):
        api("POST", f"{run}/step", json={"attempt": 1, "name": name, "value": value})
    api("POST", f"{run}/outcome", json={"attempt": 1, "outcome": "fail", "reason": "no stamp"})
    listed = api("GET", f"{run}/steps")
    assert [(one["name"], one["value"]) for one in listed["steps"]] == [("weigh", {"kg": 3}), ("label", None)]
    assert [one["name"] for one in api("GET", f"{run}/steps?limit=1&offset=1")["steps"]] == ["label"]
    bulk(api, queue, "retry", case_ids=[work["case"]["id"]], keep_steps=True)
    again = api("POST", f"/v1/agents/{agent}/claim")
    assert again["steps"] == {"weigh": {"kg": 3}, "label": None}
    assert api("GET", f"/v1/runs/{again['run_id']}/steps")["steps"] == listed["steps"]
