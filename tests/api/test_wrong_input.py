"""What the API says about wrong input is in plain words, and names the field as the caller wrote it."""

import pytest

ID = "01234567-89ab-7def-8123-456789abcdef"
QUEUE = "/v1/queues/{queue}"
OBJECT, LIST, TEXT, WHOLE = "should be an object", "should be a list", "should be text", "should be a whole number"


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", f"{QUEUE}/cases", None, "body: it is missing"),
        ("POST", f"{QUEUE}/cases", [], f"body: it {OBJECT}"),
        ("POST", f"{QUEUE}/cases", {"case": 5}, f"case: it {OBJECT}"),
        ("POST", f"{QUEUE}/cases", {"case": []}, f"case: it {OBJECT}"),
        ("POST", f"{QUEUE}/cases", {"case": {}}, "case.title: it is missing"),
        ("POST", f"{QUEUE}/cases", {"case": {"title": 5}}, f"case.title: it {TEXT}"),
        ("POST", f"{QUEUE}/cases", {"case": {"title": ""}}, "case.title: it is empty"),
        ("POST", f"{QUEUE}/cases", {"cases": {}}, f"cases: it {LIST}"),
        ("POST", f"{QUEUE}/cases", {"cases": []}, "cases: it is empty"),
        ("POST", f"{QUEUE}/cases", {"cases": [5]}, f"cases.0: it {OBJECT}"),
        ("POST", f"{QUEUE}/cases", {"case": {"title": "x", "labels": "x"}}, f"case.labels: it {LIST}"),
        ("POST", f"{QUEUE}/cases", {"case": {"title": "x", "labels": ["x"]}}, f"case.labels.0: it {OBJECT}"),
        (
            "POST",
            f"{QUEUE}/cases",
            {"case": {"title": "x", "priority": "urgent"}},
            "case.priority: it should be 'none', 'medium' or 'high'",
        ),
        ("POST", f"{QUEUE}/cases/search", {"filters": {"labels": 5}}, f"filters.labels: it {OBJECT}"),
        ("POST", f"{QUEUE}/cases/search", {"filters": {"labels": {"a": "b"}}}, f"filters.labels.a: it {LIST}"),
        ("POST", f"{QUEUE}/cases/search", {"limit": 0}, "limit: it should be at least 1"),
        ("POST", f"{QUEUE}/cases/search", {"limit": "x"}, f"limit: it {WHOLE}"),
        ("GET", f"{QUEUE}/cases?limit=x", None, f"limit: it {WHOLE}"),
        (
            "GET",
            f"{QUEUE}/cases?status=pendin",
            None,
            "status: unknown status 'pendin': did you mean 'pending'? "
            "Known: claimed, completed, failed, needs_input, pending, postponed.",
        ),
        ("POST", f"{QUEUE}/cases/bulk-retry", {"case_ids": ["x"]}, f"case_ids.0: an id is written like {ID}"),
        ("POST", f"{QUEUE}/cases/bulk-retry", {"case_ids": [ID] * 101}, "case_ids: it has 101 elements; 100 is the most"),
        (
            "POST",
            f"{QUEUE}/cases/bulk-update-status",
            {"case_ids": [ID], "status": "pending"},
            "status: it should be 'completed' or 'failed'",
        ),
        ("PUT", f"{QUEUE}/consumers/{ID}", {"trigger": "yes"}, "trigger: it should be true or false"),
        ("POST", "/v1/queues", {"name": None}, f"name: it {TEXT}"),
        ("POST", "/v1/agents", {"name": "x", "kind": "java"}, "kind: it should be 'python', 'command' or 'pull'"),
        ("POST", "/v1/agents", {"name": "x", "max_attempts": 1.5}, f"max_attempts: it {WHOLE}"),
        ("POST", "/v1/agents", {"name": "x", "kind": "python", "target": "a", "timeout_seconds": "x"}, "timeout_seconds: it should be a number"),
        (
            "POST",
            "/v1/agents",
            {"name": "x", "kind": "python", "target": "a"},
            "The target 'a' does not name a function: write module:function, as in billing.agents:clerk.",
        ),
        ("POST", f"/v1/runs/{ID}/human-requests/{ID}/respond", {"answers": "x"}, f"answers: it {OBJECT}"),
        ("POST", f"/v1/runs/{ID}/human-requests/{ID}/respond", {"answers": {}}, "answers: it is empty"),
        ("POST", f"/v1/runs/{ID}/human-requests/{ID}/respond", {"approved": "x"}, "approved: it should be true or false"),
        ("POST", f"/v1/runs/{ID}/message", {"attempt": 1, "type": "tool_call", "tool_call": 5}, f"tool_call: it {OBJECT}"),
        ("POST", f"/v1/runs/{ID}/outcome", {"attempt": 1, "outcome": "postpone", "until": 5}, f"until: it {TEXT}"),
        ("POST", f"{QUEUE}/cases/search", {"filters": {"created_at_from": "x"}}, "filters.created_at_from: a moment is written like 2026-05-01T08:00:00Z"),
    ],
)  # fmt: skip
def test_wrong_input_is_described_in_plain_words(api, queue, method, path, body, message):
    options = {} if body is None else {"json": body}
    assert api(method, path.format(queue=queue), 400, **options)["message"] == message


def test_a_path_that_is_not_there_is_named(api):
    assert api("GET", "/v1/case", 404)["message"] == "There is nothing at /v1/case. What there is stands at /docs."


def test_a_wrong_method_is_answered_with_those_that_are_possible(api):
    answer = api.raw("DELETE", "/v1/queues")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.json()["message"] == "DELETE is not possible at /v1/queues; possible: GET, POST."


def test_what_is_beyond_the_listed_problems_is_counted(api, queue):
    bodies = {count: {"cases": [{}] * count} for count in (21, 22)}
    said = {
        count: api("POST", f"/v1/queues/{queue}/cases", 400, json=body)["message"] for count, body in bodies.items()
    }
    assert said == {
        21: "cases.0.title: it is missing (and 1 more problem)",
        22: "cases.0.title: it is missing (and 2 more problems)",
    }
