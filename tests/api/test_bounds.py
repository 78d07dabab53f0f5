"""What a request may hold: everything has a maximum, what does not exist is refused, and an answer stays small."""

import json
import re
from time import process_time
from uuid import uuid4

import pytest

JSON = {"content-type": "application/json"}


def resolved(document, schema):
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = {**document["components"]["schemas"][name], **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


def unbounded(document, schema, where):
    """The texts, lists and mappings of a schema that have no maximum."""
    schema = resolved(document, schema)
    for part in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        if "type" in part or "$ref" in part or "anyOf" in part:
            yield from unbounded(document, part, where)
    if schema.get("type") == "string" and not {"maxLength", "enum", "const", "format"} & set(schema):
        yield where
    if schema.get("type") == "array":
        if "maxItems" not in schema:
            yield where
        yield from unbounded(document, schema["items"], f"{where}[]")
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False and "maxProperties" not in schema:
            yield where
        for name, inner in schema.get("properties", {}).items():
            yield from unbounded(document, inner, f"{where}.{name}")
        if isinstance(schema.get("additionalProperties"), dict):
            yield from unbounded(document, schema["additionalProperties"], f"{where}.*")


def test_each_text_and_list_of_a_request_has_a_maximum_in_the_schema(client):
    document = client.get("/openapi.json").json()
    found = []
    for item in document["paths"].values():
        for operation in item.values():
            name = operation["operationId"]
            for one in operation.get("parameters", ()):
                found += unbounded(document, one["schema"], f"{name}?{one['name']}")
            if "requestBody" in operation:
                body = operation["requestBody"]["content"]["application/json"]["schema"]
                found += unbounded(document, body, f"{name} body")
    assert found == []


def operations(client):
    return [
        (method.upper(), path, operation)
        for path, item in client.get("/openapi.json").json()["paths"].items()
        for method, operation in item.items()
    ]


def call(api, method, path, **options):
    return api.raw(method, re.sub(r"{\w+}", str(uuid4()), path), **options)


def test_an_unknown_query_parameter_is_refused_by_every_operation(api):
    for method, path, operation in operations(api.client):
        answer = call(api, method, path + "?limitt=1")
        assert answer.status_code == 400, (method, path)
        message = answer.json()["message"]
        assert "Unknown query parameter 'limitt'" in message
        if any(one["name"] == "limit" for one in operation.get("parameters", ())):
            assert "did you mean 'limit'?" in message


def test_an_unknown_field_is_refused_by_every_operation_with_a_body(api):
    document = api.client.get("/openapi.json").json()
    for method, path, operation in operations(api.client):
        if "requestBody" not in operation:
            answer = call(api, method, path, json={"x": 1})
            assert (answer.status_code, answer.json()["message"]) == (400, "This operation takes no body.")
            continue
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        (schema,) = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
        known = next(iter(resolved(document, schema)["properties"]))
        answer = call(api, method, path, json={known + "x": 1})
        assert answer.status_code == 400, (method, path)
        assert f"unknown field '{known}x': did you mean '{known}'?" in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "field", "near"),
    [
        ({"filters": {"label": {"a": ["b"]}}}, "filters", "'labels'"),
        ({"filters": {"created_after": "2026-01-01T00:00:00Z"}}, "filters", "created_at_from"),
        ({"filters.label": {"a": ["b"]}}, "body", "'filters'"),
        ({"filter": {}}, "body", "'filters'"),
    ],
)
def test_a_misspelled_filter_finds_nothing_and_says_so(api, queue, body, field, near):
    message = api("POST", f"/v1/queues/{queue}/cases/search", 400, json=body)["message"]
    assert message.startswith(f"{field}: unknown field")
    assert near in message


def test_a_misspelled_concurrency_takes_no_limit_away(api, queue, agent):
    path = f"/v1/queues/{queue}/consumers/{agent}"
    for body in ({"concurency": 3}, {"triger": False}, {"trigger": True, "concurrency": 2, "x": 1}):
        api("PUT", path, 400, json=body)
    assert api("GET", f"/v1/queues/{queue}/consumers")["consumers"][0]["concurrency"] == 1


def test_a_parameter_that_is_given_twice_is_refused(api, queue):
    answer = api("GET", f"/v1/queues/{queue}/cases?limit=1&limit=2", 400)
    assert answer["message"] == "The query parameter 'limit' is given more than once."


def test_deleting_with_a_body_deletes_nothing(api, queue):
    api("POST", f"/v1/queues/{queue}/cases", 201, json={"case": {"title": "x"}})
    api("DELETE", f"/v1/queues/{queue}/cases", 400, json={"case_ids": [str(uuid4())]})
    assert api("GET", f"/v1/queues/{queue}/cases")["total"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"case_ids": ["x"] * 50_000},
        {"case_ids": ["x"] * 100},
        {f"field {number}": 1 for number in range(20_000)},
        {"case_ids": [[] for _ in range(100)]},
    ],
    ids=["many ids", "bad ids", "many fields", "no texts"],
)
def test_an_answer_to_bad_input_is_small_and_comes_soon(api, queue, body):
    began = process_time()
    answer = api.raw("POST", f"/v1/queues/{queue}/cases/bulk-delete", json=body)
    assert process_time() - began < 2
    assert answer.status_code == 400
    assert len(answer.content) < 10_000
    assert len(answer.json().get("details", ())) <= 20


def test_the_number_of_unlisted_problems_is_reported(api, queue):
    answer = api("POST", f"/v1/queues/{queue}/cases/bulk-delete", 400, json={"case_ids": ["x"] * 100})
    assert answer["message"].endswith("(and 80 more problems)")
    assert answer["details"][0] == {
        "field": "case_ids.0",
        "message": "an id is written like 01234567-89ab-7def-8123-456789abcdef",
        "type": "value_error",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"case": {"title": ""}}, "case.title"),
        ({"case": {"title": "x", "labels": [{"value": ""}]}}, "case.labels.0.value"),
        ({"cases": [{"title": "x"}, {"title": 5}]}, "cases.1.title"),
        ({"cases": "x"}, "cases"),
    ],
)
def test_one_mistake_is_one_detail(api, queue, body, field):
    (detail,) = api("POST", f"/v1/queues/{queue}/cases", 400, json=body)["details"]
    assert detail["field"] == field
    assert "Value error" not in detail["message"]


@pytest.mark.parametrize(
    "number", ["0.1", "-0.0", "1e5", "12345678901234567890", "1.7976931348623157e308", "5e-324", "0.30000000000000004"]
)
def test_a_number_comes_back_as_it_was_sent(api, queue, number):
    body = f'{{"case": {{"title": "x", "data": [{number}]}}}}'
    made = api.raw("POST", f"/v1/queues/{queue}/cases", content=body, headers=JSON)
    assert made.status_code == 201
    case = api.raw("GET", f"/v1/cases/{made.json()['added_cases'][0]['id']}")
    for answer in (made, case):
        (sent,) = re.findall(r'"data":\[([^]]*)\]', answer.text)
        assert json.loads(sent) == json.loads(number)
        assert sent.startswith("-") == number.startswith("-")


@pytest.mark.parametrize("number", ["0.1234567890123456789", "1e400", "-1e-400", "123456789012345678.5", "NaN"])
def test_a_number_that_would_change_is_refused(api, queue, number):
    body = f'{{"case": {{"title": "x", "data": [{number}]}}}}'
    answer = api("POST", f"/v1/queues/{queue}/cases", 400, content=body, headers=JSON)
    assert number in answer["message"]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ('{"case": {"title": "x", "data": {"a": 1, "a": 2}}}', "a"),
        ('{"case": {"title": "x"}, "case": {"title": "y"}}', "case"),
        ('{"case": {"title": "x", "data": {"\\ud800": 1, "\\ud800": 2}}}', "ud800"),
        ('{"case": {"title": "x", "data": [' + '{"a": 1},' * 9_000 + '{"b": 1, "b": 1}]}}', "b"),
    ],
)
def test_a_field_that_is_given_twice_is_refused(api, queue, body, name):
    message = api("POST", f"/v1/queues/{queue}/cases", 400, content=body, headers=JSON)["message"]
    assert name in message
    assert message.endswith("twice in one object.")
    assert api("GET", f"/v1/queues/{queue}/cases")["total"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "created_at_from=0001-01-01T00:00:00%2B15:59",
        "created_at_from=9999-12-31T23:59:59-15:59",
        "created_at_from=2026-01-01T00:00:00%2B23:59",
        "updated_at_from=2026-01-01T00:00:00-16:00",
        "search=" + "a%20" * 65,
        "search=" + "a" * 1001,
        "cursor=" + "A" * 4097,
        "cursor=" + "W1tb" * 1000,
        "status=" + "pending," * 30,
    ],
)
def test_odd_values_are_never_a_server_error(api, queue, query):
    answer = api.raw("GET", f"/v1/queues/{queue}/cases?{query}")
    assert answer.status_code in (200, 400), answer.text


@pytest.mark.parametrize(
    "text",
    [
        "9" * 100,
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-01-01\ud80000:00",
        "1e9w",
        "9" * 40_000,
    ],
)
def test_an_odd_until_is_refused_whether_or_not_the_run_exists(api, text):
    body = json.dumps({"attempt": 1, "outcome": "postpone", "until": text})
    answer = api.raw("POST", f"/v1/runs/{uuid4()}/outcome", content=body, headers=JSON)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "name",
    [
        " ",
        "\u200b",
        "in\u200bbox",
        " inbox",
        "b\u0430d",
        "\uff26ull",
        "01234567-89ab-7def-8123-456789abcdef",
        "a\nb",
        "inbox\ufe0f",
        "inbox\U000e0100",
        "in\u180bbox",
        "\u2800",
    ],
)
def test_a_name_that_looks_like_another_is_refused(api, queue, agent, name):
    for method, path in (
        ("POST", "/v1/queues"),
        ("POST", "/v1/agents"),
        ("PATCH", f"/v1/queues/{queue}"),
        ("PATCH", f"/v1/agents/{agent}"),
    ):
        assert api(method, path, 400, json={"name": name})["message"].startswith("name: ")


@pytest.mark.parametrize(
    "name",
    [
        "inbox",
        "B\u00fcro 1",
        "\u65e5\u672c\u8a9e",
        "\u043e\u0447\u0435\u0440\u0435\u0434\u044c",
        "a-b_c.d/e",
        "x\u00b2",
    ],
)
def test_names_of_every_language_are_accepted(api, name):
    assert api("POST", "/v1/queues", 201, json={"name": name})["queue"]["name"] == name
