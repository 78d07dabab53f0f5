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
    assert bulk(api, queue, "retry", case_ids=[case_id])["untaken"] is None


def test_a_retry_by_the_same_agent_keeps_the_delegation(api, queue, agent):
    (case_id,) = api.add(queue, "a")
    bulk(api, queue, "delegate", case_ids=[case_id], agent_id=agent)
    bulk(api, queue, "update-status", case_ids=[case_id], status="failed")
    assert bulk(api, queue, "retry", case_ids=[case_id], same_agent=True)["untaken"] is None
    assert api("GET", f"/v1/cases/{case_id}")["case"]["assigned_agent_id"] == agent
    bulk(api, queue, "update-status", case_ids=[case_id], status="failed")
    api("DELETE", f"/v1/queues/{queue}/consumers/{agent}")
    assert bulk(api, queue, "retry", 409, case_ids=[case_id], same_agent=True)["error"] == "not_a_consumer"
