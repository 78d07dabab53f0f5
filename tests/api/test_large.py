"""A megabyte through the API and back, and what is larger."""

import pytest

from casework.api.middleware import MAX_BODY_BYTES

MEGABYTE = 1_000_000


def test_takes_works_on_and_returns_a_megabyte(api, queue, agent):
    text, changed = "x" * MEGABYTE, {"text": "y " * (MEGABYTE // 2)}
    created = api("POST", f"/v1/queues/{queue}/cases", 201, json={"case": {"title": "a", "data": text}})
    case = f"/v1/cases/{created['added_cases'][0]['id']}"
    assert created["added_cases"][0]["data"] == text
    work = api("POST", f"/v1/agents/{agent}/claim", json={})
    assert work["case"]["data"] == text
    run = f"/v1/runs/{work['run_id']}"
    api("POST", f"{run}/message", json={"attempt": 1, "text_content": text})
    api("POST", f"{run}/step", json={"attempt": 1, "name": "look", "value": text})
    api("POST", f"{run}/update", json={"attempt": 1, "data": changed})
    assert api("GET", case)["case"]["data"] == changed
    (message,) = api("GET", f"{run}/messages")["messages"]
    assert message["text_content"] == text
    assert api("GET", f"{case}{run.removeprefix('/v1')}/recent-messages")["messages"] == [message]
    assert api("PATCH", case, json={"data": text})["case"]["data"] == text
    api("POST", f"{run}/outcome", json={"attempt": 1, "outcome": "try_again"})
    assert api("GET", f"/v1/queues/{queue}/cases?search=y")["total"] == 0
    assert len(api("GET", f"/v1/queues/{queue}/cases")["cases"][0]["data"]) == MEGABYTE


def test_refuses_more_than_a_megabyte_and_names_the_limit(api, queue, agent):
    created = api("POST", f"/v1/queues/{queue}/cases", 201, json={"case": {"title": "a", "data": "small"}})
    case = f"/v1/cases/{created['added_cases'][0]['id']}"
    work = api("POST", f"/v1/agents/{agent}/claim", json={})
    run, text = f"/v1/runs/{work['run_id']}", "x" * MAX_BODY_BYTES
    for method, path, body in (
        ("POST", f"/v1/queues/{queue}/cases", {"case": {"title": "b", "data": text}}),
        ("PATCH", case, {"data": text}),
        ("POST", f"{run}/message", {"attempt": 1, "text_content": text}),
        ("POST", f"{run}/step", {"attempt": 1, "name": "look", "value": text}),
        ("POST", f"{run}/update", {"attempt": 1, "data": text}),
        ("POST", f"{run}/outcome", {"attempt": 1, "outcome": "complete", "reason": text}),
    ):
        refused = api(method, path, 413, json=body)
        assert refused == {"error": "too_large", "message": f"The body is larger than {MAX_BODY_BYTES} bytes."}
    assert api("GET", f"/v1/queues/{queue}/cases")["total"] == 1
    assert api("GET", case)["case"]["data"] == "small"
    assert api("POST", f"{run}/heartbeat", json={"attempt": 1}) == {"stop": False}


PADDING = "x" * 100_000


@pytest.mark.parametrize(
    "inner", ['"\\u0000"', '"\\ud800"', "[" * 200 + "]" * 200, "1e999", "0.1234567890123456789", "{"]
)
def test_a_large_body_is_checked_as_a_small_one_is(api, queue, inner):
    for padding in ("", PADDING):
        body = f'{{"case": {{"title": "x", "data": ["{padding}", {inner}]}}}}'
        path = f"/v1/queues/{queue}/cases"
        assert api("POST", path, 400, content=body, headers={"content-type": "application/json"})["message"]
    assert api("GET", f"/v1/queues/{queue}/cases")["total"] == 0


def test_reads_messages_on_from_the_last_one(api, queue, agent):
    api("POST", f"/v1/queues/{queue}/cases", 201, json={"case": {"title": "a"}})
    run = f"/v1/runs/{api('POST', f'/v1/agents/{agent}/claim', json={})['run_id']}"
    for number in range(5):
        api("POST", f"{run}/message", json={"attempt": 1, "text_content": str(number)})
    pages, after = [], 0
    while found := api("GET", f"{run}/messages?limit=2&after={after}")["messages"]:
        pages.append([one["text_content"] for one in found])
        after = found[-1]["id"]
    assert pages == [["0", "1"], ["2", "3"], ["4"]]
    api("GET", f"{run}/messages?after=-1", 400)
    api("GET", f"{run}/messages?after=x", 400)
