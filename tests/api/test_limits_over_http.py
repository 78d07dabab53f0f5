"""Limits over HTTP: set, listed, deleted, and refused with what is wrong."""

import pytest

from casework.core.roles import Role


def put(api, status=200, **body):
    return api("PUT", "/v1/limits", status, json=body)


def test_a_limit_is_set_changed_listed_and_deleted(api, queue, agent):
    made = put(api, queue_id=queue, key="label:customer", concurrency=2)["limit"]
    assert made == {
        "id": made["id"],
        "queue_id": queue,
        "queue_name": "inbox",
        "agent_id": None,
        "agent_name": None,
        "key": "label:customer",
        "concurrency": 2,
        "rate": None,
        "live_runs": 0,
    }
    rate = {"count": 10, "seconds": 60.0, "burst": 5}
    changed = put(api, queue_id=queue, key="label:customer", rate=rate)["limit"]
    assert (changed["id"], changed["concurrency"], changed["rate"]) == (made["id"], None, rate)
    whole = put(api, agent_id=agent, concurrency=7)["limit"]
    other = api("POST", "/v1/queues", 201, json={"name": "other"})["queue"]["id"]
    assert api("GET", "/v1/limits")["limits"] == [changed, whole]
    assert api("GET", "/v1/limits", params={"queue_id": queue})["limits"] == [changed, whole]
    assert api("GET", "/v1/limits", params={"queue_id": other})["limits"] == []
    api("DELETE", f"/v1/limits/{made['id']}")
    api("DELETE", f"/v1/limits/{made['id']}", 404)
    assert api("GET", "/v1/limits")["limits"] == [whole]


def test_claims_over_http_keep_to_a_limit(api, queue, agent):
    put(api, queue_id=queue, key="data.customer", concurrency=1)
    cases = [{"title": customer, "data": {"customer": customer}} for customer in "aab"]
    api("POST", f"/v1/queues/{queue}/cases", 201, json={"cases": cases})
    api("PUT", f"/v1/queues/{queue}/consumers/{agent}", json={})
    got = [api("POST", f"/v1/agents/{agent}/claim", code, json={}) for code in (200, 200, 204)]
    assert [one and one["case"]["title"] for one in got] == ["a", "b", None]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"concurrency": 1}, "needs a queue, an agent, or both"),
        ({"queue": True}, "at once"),
        ({"queue": True, "concurrency": 0}, "concurrency"),
        ({"queue": True, "concurrency": 1, "key": "customer"}, "label:NAME"),
        ({"queue": True, "rate": {"count": 0, "seconds": 1.0}}, "count"),
    ],
)
def test_says_what_is_wrong_with_a_limit(api, queue, body, said):
    asked = {"queue_id": queue, **body} if body.pop("queue", False) else body
    assert said in str(put(api, 400, **asked))


def test_an_operator_reads_limits_and_changes_none(api, queue):
    token = api.key(Role.OPERATOR)
    assert api("GET", "/v1/limits", token=token)["limits"] == []
    api("PUT", "/v1/limits", 403, json={"queue_id": queue, "concurrency": 1}, token=token)
