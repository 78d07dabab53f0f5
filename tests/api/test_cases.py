"""Cases and labels over HTTP, as their users meet them."""

import json
from uuid import uuid4

import pytest

from factories import claim, start, work


def titles(page):
    return [case["title"] for case in page["cases"]]


def test_cases_are_created_in_order_and_come_back_as_they_were_given(api, queue):
    data = {"z": [1, 2.5, None, "ä"], "a": {"b": True}}
    body = {
        "cases": [
            {"title": "one", "data": data, "priority": "high", "labels": [{"value": "x"}, {"key": "k", "value": "v"}]},
            {"title": "two"},
        ]
    }
    one, two = api("POST", f"/v1/queues/{queue}/cases", 201, json=body)["added_cases"]
    assert (one["title"], one["data"], one["status"], one["priority"]) == ("one", data, "pending", "high")
    assert list(one["data"]) == ["z", "a"]
    assert [(label["key"], label["value"]) for label in one["labels"]] == [("", "x"), ("k", "v")]
    assert (two["data"], two["priority"], two["labels"]) == ("", "none", [])
    got = api("GET", f"/v1/cases/{one['id']}")
    assert got["case"] == one
    assert [event["type"] for event in got["events"]] == ["created"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "exactly one"),
        ({"case": {"title": "x"}, "cases": [{"title": "x"}]}, "exactly one"),
        ({"case": {"title": "x"}, "cases": None}, "exactly one"),
        ({"case": {"title": ""}}, "case.title"),
        ({"case": {"title": "x" * 501}}, "case.title"),
        ({"case": {"title": 5}}, "case.title"),
        ({"case": {}}, "case.title"),
        ({"cases": []}, "cases"),
        ({"cases": [{"title": "x"}] * 101}, "cases"),
        ({"case": {"title": "x", "priority": "urgent"}}, "priority"),
        ({"case": {"title": "x", "labels": [{"value": ""}]}}, "labels.0.value"),
        ({"case": {"title": "x", "labels": [{"value": "x"}] * 51}}, "labels"),
        ({"case": {"title": "a\0b"}}, "NUL"),
        ({"case": {"title": "x", "data": {"a": "\0"}}}, "NUL"),
        ({"case": {"title": "x", "data": "\ud800"}}, "surrogate"),
        ({"case": {"title": "\ud800"}}, "unicode"),
        ([], "body"),
    ],
)
def test_what_is_out_of_bounds_is_a_400_that_names_it(api, queue, body, field):
    answer = api(
        "POST", f"/v1/queues/{queue}/cases", 400, content=json.dumps(body), headers={"content-type": "application/json"}
    )
    assert field in answer["message"]
    assert api("GET", f"/v1/queues/{queue}/cases")["total"] == 0


def test_bodies_that_are_no_json_too_deep_or_too_large(api, queue):
    path = f"/v1/queues/{queue}/cases"
    json_type = {"content-type": "application/json"}
    api("POST", path, 400, content="{bad", headers=json_type)
    api("POST", path, 400, content='{"case": {"title": "x", "data": ' + "[" * 200 + "]" * 200 + "}}", headers=json_type)
    api("POST", path, 400, content="[" * 100_000, headers=json_type)
    api("POST", path, 400, content='{"case": {"title": "x", "data": NaN}}', headers=json_type)
    api("POST", path, 413, content=b"x" * (1024 * 1024 + 1), headers=json_type)
    api("POST", path, 413, content=iter([b"x" * 600_000, b"x" * 600_000]), headers=json_type)
    api("POST", path, 201, json={"case": {"title": "x", "data": "y" * 1_000_000}})


@pytest.mark.parametrize(
    ("query", "ok"),
    [
        ("limit=0", False),
        ("limit=101", False),
        ("limit=100", True),
        ("offset=-1", False),
        ("offset=9007199254740991", True),
        ("offset=9007199254740992", False),
        ("status=odd", False),
        ("status=pending,failed", True),
        ("created_at_from=yesterday", False),
        ("created_at_from=2026-01-01", False),
        ("created_at_from=2026-01-01T00:00:00Z", True),
        ("sort_by=id", False),
        ("sort_order=up", False),
        ("cursor=nonsense", False),
        ("search=%22unclosed", True),
        ("search=-", True),
        ("search=%00", True),
    ],
)
def test_query_bounds(api, queue, query, ok):
    api("GET", f"/v1/queues/{queue}/cases?{query}", 200 if ok else 400)


def test_ids_that_are_none_or_not_there(api, queue):
    api("GET", "/v1/cases/nope", 400)
    api("GET", f"/v1/cases/{uuid4()}", 404)
    api("GET", f"/v1/queues/{uuid4()}/cases", 404)
    loose = "01234567-89ab-cdef-0123-456789abcdef"
    api("GET", f"/v1/cases/{loose}", 404)
    api("GET", f"/v1/cases/{loose}/runs", 400)
    api("GET", "/v1/nowhere", 404)
    assert api.raw("PUT", f"/v1/queues/{queue}").headers["allow"]


def test_lists_page_by_offset_and_by_cursor(api, queue):
    api.add(queue, *[f"case {number:02}" for number in range(25)])
    path = f"/v1/queues/{queue}/cases"
    first = api("GET", f"{path}?limit=10")
    assert (first["total"], first["limit"], first["offset"]) == (25, 10, 0)
    assert titles(first) == [f"case {number:02}" for number in range(24, 14, -1)]
    assert titles(api("GET", f"{path}?limit=10&offset=20")) == [f"case {number:02}" for number in range(4, -1, -1)]
    seen, page = titles(first), first
    while page["next_cursor"]:
        page = api("GET", f"{path}?limit=10&cursor={page['next_cursor']}")
        seen += titles(page)
    assert seen == [f"case {number:02}" for number in range(24, -1, -1)]
    assert api("GET", path)["limit"] == 20
    assert api("POST", f"{path}/search", json={})["limit"] == 25
    api("GET", f"{path}?sort_by=title&cursor={first['next_cursor']}", 400)


@pytest.mark.parametrize("sort_by", ["created_at", "updated_at", "postponed_to", "priority", "title"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_every_order_is_stable_across_pages(api, queue, sort_by, order):
    for number in range(12):
        api.add(queue, f"t {number % 3}", priority=["none", "high", "medium"][number % 3])
    path = f"/v1/queues/{queue}/cases?limit=5&sort_by={sort_by}&sort_order={order}"
    page = api("GET", path)
    ids = [case["id"] for case in page["cases"]]
    while page["next_cursor"]:
        page = api("GET", f"{path}&cursor={page['next_cursor']}")
        ids += [case["id"] for case in page["cases"]]
    assert len(ids) == len(set(ids)) == 12
    offsets = [case["id"] for offset in (0, 5, 10) for case in api("GET", f"{path}&offset={offset}")["cases"]]
    assert ids == offsets


def test_search_finds_words_phrases_and_beginnings_and_knows_not(api, queue):
    path = f"/v1/queues/{queue}/cases"
    body = [
        {"title": "Invoice INV-17", "data": {"vendor": "Blue Zebra", "note": "pay by\nFriday"}},
        {"title": "Invoice INV-170", "data": ["ann@example.com", {"deep": ["CAFÉ au lait"]}]},
        {"title": "Ticket", "data": "the zebra is blue", "labels": [{"key": "k", "value": "v"}]},
    ]
    api("POST", path, 201, json={"cases": body})

    def found(text):
        return sorted(titles(api("POST", f"{path}/search", json={"search": text})))

    assert found("INV-17") == ["Invoice INV-17", "Invoice INV-170"]
    assert found('"INV-17"') == ["Invoice INV-17"]
    assert found("zeb") == ["Invoice INV-17", "Ticket"]
    assert found('"blue zebra"') == ["Invoice INV-17"]
    assert found("zebra -invoice") == ["Ticket"]
    assert found("café") == found("ann@exam") == found("ann@example.com") == ["Invoice INV-170"]
    assert found("friday") == ["Invoice INV-17"]
    assert found("zebra friday") == ["Invoice INV-17"]
    assert found("nothing") == []
    assert len(found("")) == len(found("  ")) == len(found('"')) == 3
    (case,) = api("GET", f"{path}?search=friday")["cases"]
    assert case["search_match_data_snippet"] == {"before": "pay by\n", "match": "Friday", "after": ""}
    assert "search_match_data_snippet" not in api("GET", f"{path}?search=ticket")["cases"][0]


def test_a_changed_case_is_found_by_its_new_content(api, queue):
    (case_id,) = api.add(queue, "old name")
    changed = api(
        "PATCH", f"/v1/cases/{case_id}", json={"title": "new name", "data": {"city": "Brno"}, "priority": "high"}
    )["case"]
    assert (changed["title"], changed["data"], changed["priority"]) == ("new name", {"city": "Brno"}, "high")
    path = f"/v1/queues/{queue}/cases"
    assert api("GET", f"{path}?search=old")["total"] == 0
    assert api("GET", f"{path}?search=brno")["total"] == 1
    api("PATCH", f"/v1/cases/{case_id}", 400, json={})


def test_filters_are_anded_and_the_values_of_a_label_ored(api, queue):
    api.add(queue, "a", labels=[{"key": "city", "value": "Brno"}, {"value": "urgent"}])
    api.add(queue, "b", labels=[{"key": "city", "value": "Wien"}])
    api.add(queue, "c", labels=[{"value": "urgent"}])
    path = f"/v1/queues/{queue}/cases/search"

    def found(**filters):
        return sorted(titles(api("POST", path, json={"filters": filters})))

    assert found(labels={"city": ["Brno", "Wien"]}) == ["a", "b"]
    assert found(labels={"city": ["Brno", "Wien"], "": ["urgent"]}) == ["a"]
    assert found(labels={"city": ["Graz"]}) == []
    assert found(labels={"city": []}) == []
    assert found(status=["failed"]) == []
    assert found(status=["pending", "failed"], created_at_from="2020-01-01T00:00:00Z") == ["a", "b", "c"]
    assert found(created_at_to="2020-01-01T00:00:00Z") == []


def test_bulk_counts_each_id_once(api, queue, python_agent):
    ids = api.add(queue, "a", "b", "c")
    other = api("POST", "/v1/queues", 201, json={"name": "other"})["queue"]["id"]
    (theirs,) = api.add(other, "x")
    given = [*ids, ids[0], theirs, str(uuid4())]
    path = f"/v1/queues/{queue}/cases"
    assert api("POST", f"{path}/bulk-delegate", json={"case_ids": given, "agent_id": python_agent}) == {
        "delegatedCount": 3,
        "skippedCount": 2,
    }
    assert api("POST", f"{path}/bulk-retry", json={"case_ids": given}) == {"retriedCount": 0, "skippedCount": 5}
    done = api("POST", f"{path}/bulk-update-status", json={"case_ids": given, "status": "completed"})
    assert done == {"updatedCount": 3, "skippedCount": 2, "interruptedRunIds": []}
    assert api("POST", f"{path}/bulk-retry", json={"case_ids": given})["retriedCount"] == 3
    assert api("GET", f"/v1/cases/{ids[0]}")["case"]["assigned_agent_id"] is None
    assert api("POST", f"{path}/bulk-delete", json={"case_ids": given}) == {"deletedCount": 3, "interruptedRunIds": []}
    assert api("GET", f"/v1/cases/{theirs}")["case"]["status"] == "pending"
    for name, extra in (
        ("retry", {}),
        ("delete", {}),
        ("delegate", {"agent_id": python_agent}),
        ("update-status", {"status": "failed"}),
    ):
        api("POST", f"{path}/bulk-{name}", 400, json={"case_ids": [], **extra})
        api("POST", f"{path}/bulk-{name}", 400, json={"case_ids": [str(uuid4())] * 101, **extra})
    api("POST", f"{path}/bulk-update-status", 400, json={"case_ids": [theirs], "status": "pending"})
    api("POST", f"{path}/bulk-delegate", 404, json={"case_ids": [theirs], "agent_id": str(uuid4())})
    stranger = api("POST", "/v1/agents", 201, json={"name": "stranger"})["agent"]["id"]
    api("POST", f"{path}/bulk-delegate", 409, json={"case_ids": [theirs], "agent_id": stranger})


def test_exactly_the_live_runs_are_interrupted(api, queue, python_agent):
    ids = api.add(queue, "a", "b", "c", "d")
    messages = claim(api.db, api.casework.settings)
    fences = [start(api.db, message) for message in messages[:2]]
    path = f"/v1/queues/{queue}/cases"
    runs = {run["case_id"]: run["id"] for run in api("GET", f"/v1/runs?queue_id={queue}")["runs"]}
    done = api(
        "POST",
        f"{path}/bulk-update-status",
        json={"case_ids": [fences[0].case_id.hex and str(fences[0].case_id)], "status": "failed"},
    )
    assert done["interruptedRunIds"] == [str(fences[0].run_id)]
    gone = api("DELETE", f"/v1/cases/{fences[1].case_id}")
    assert gone == {"success": True, "interruptedRunIds": [str(fences[1].run_id)]}
    rest = {runs[id] for id in ids if id not in (str(fences[0].case_id), str(fences[1].case_id))}
    cleared = api("DELETE", path)
    assert (cleared["success"], cleared["deletedCount"]) == (True, 3)
    # A run that was asked to stop before, and has not stopped, is live still.
    assert set(cleared["interruptedRunIds"]) == rest | {str(fences[0].run_id)}


def test_a_case_that_was_deleted_is_not_there_to_delete(api, queue):
    (case_id,) = api.add(queue, "a")
    api("DELETE", f"/v1/cases/{case_id}")
    api("DELETE", f"/v1/cases/{case_id}", 404)


def test_consumers_show_the_slots_they_use_as_live_runs(api, queue, python_agent):
    api.add(queue, "a", "b")
    waiting, _ = claim(api.db, api.casework.settings)
    work(api.db, waiting)
    path = f"/v1/queues/{queue}/consumers"
    assert [one["live_runs"] for one in api("GET", path)["consumers"]] == [1]
    assert api("PUT", f"{path}/{python_agent}", json={"concurrency": 4})["consumer"]["live_runs"] == 1
    assert api("GET", f"/v1/queues/{queue}/stats")["live_runs"] == {"pending": 1, "waiting": 1}
