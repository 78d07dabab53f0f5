"""Every operation with hostile texts and numbers in every place: a quick, small answer, and no error of the server's."""

import json
import os
import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from time import perf_counter
from urllib.parse import quote
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from casework.api.app import create_app

REQUESTS = 15 * int(os.environ.get("CASEWORK_TEST_EXAMPLES", 2))
"""For each operation."""
SLOWEST_SECONDS = 1.0
LARGEST_BYTES = 1024 * 1024

TEXTS = [
    *(
        "",
        " ",
        "\t\n",
        "\0",
        "a\0b",
        "\x1b[2J\x07",
        "\u202eabc",
        "\u2066",
        "\ufeff",
        "\u3164",
        "\u200b" * 100,
        "\ud800",
        "a\udfffb",
    ),
    *("9" * 5_000, "a" * 200_000, "a b " * 50_000, "-" * 20_000, "." * 20_000, "(" * 2_000, "\\" * 20_000, "*" * 1_000),
    *(
        '"' * 999,
        "'" * 999,
        "%" * 999,
        "_" * 999,
        "' or 1=1 --",
        "$$; select 1",
        "%s%(x)s{0}{x}",
        "<b>&amp;",
        "a,b;c|d",
    ),
    *(
        "\ufdfa" * 500,
        "\u0130" * 500,
        "\xdf" * 500,
        "a" + "\u0301" * 499,
        "\U0001f600" * 500,
        "\U0001d400" * 99,
        "\uffff",
    ),
    *(
        "2026-13-45T99:99:99+99:99",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999-23:59",
        "2026-02-30T00:00:00Z",
    ),
    *(
        "2026-05-01T08:00:00",
        "2026-05-01T08:00:00+24:00",
        "2026-W01-1T00:00:00Z",
        "20260501T080000Z",
        "infinity",
        "-infinity",
    ),
    *(
        "9" * 90 + "d",
        "1e400s",
        "0.0000001s",
        "-1h",
        "3651d",
        "99999999999w",
        "NaN",
        "Infinity",
        "1_000",
        "\u0661\u0662",
        "0x10",
    ),
    *("00000000-0000-0000-0000-000000000000", "{}", "urn:uuid:01234567-89ab-7def-8123-456789abcdef", "0" * 32),
    *(
        "WyJhIl0",
        "W10",
        "bnVsbA",
        "=",
        "W" * 4_096,
        "WyJjcmVhdGVkX2F0IiwiZGVzYyIsImluZmluaXR5IiwiMCJd",
        "../../etc/passwd",
        "a/b",
        "?",
        "#",
    ),
    *(
        "high",
        "pending,failed",
        "pending," * 1_000,
        "," * 1_000,
        "None",
        "true",
        "json",
        "inbox",
        "INBOX",
        "\u0456nbox",
    ),
]
NUMBERS = [
    *(-1, 0, 1, 2, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**300, 10**4_000),
    *(-0.0, 0.5, 1e15, 1e22, 5e-324, 1.7976931348623157e308),
]
OTHERS = [
    *(None, True, False, [], {}, [[]], [None], {"": ""}, {"a": 1}, {"$ref": "#"}, {"__proto__": {}}, [0] * 20_000),
    *(["x"] * 20_000, {f"k{number}": "v" for number in range(5_000)}, [str(uuid4()) for _ in range(1_001)]),
]
RAW = [
    *(b"", b"{", b"null", b"[]", b"7", b'"text"', b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"{}{}", b"NaN", b"[" * 100_000),
    *(
        b'{"a":' * 50_000,
        b"[" * 3_000 + b"]" * 3_000,
        b'{"data": 1e400}',
        b'{"data": ' + b"9" * 5_000 + b"}",
        b'{"a": 1, "a": 2}',
    ),
]


class Hostile:
    """Makes requests of the document's operations: what they ask for, with something hostile in one or several places."""

    def __init__(self, document, ids, chance: random.Random):
        self.document, self.ids, self.chance = document, ids, chance

    def value(self):
        kinds = self.chance.choice([TEXTS, TEXTS, NUMBERS, OTHERS])
        return deepcopy(self.chance.choice(kinds))

    def text(self):
        found = self.value()
        # What an address takes at most is the server's business, and not the application's.
        return (found if isinstance(found, str) else json.dumps(found))[:6_000]

    def good(self, schema, name=""):
        """Something that fits the schema."""
        schema = self.resolved(schema)
        if "anyOf" in schema and "type" not in schema:
            return self.good(schema["anyOf"][0], name)
        if name.removesuffix("s") in self.ids:
            found = self.ids[name.removesuffix("s")]
            return [found] if schema.get("type") == "array" else found
        match schema.get("type"):
            case "object":
                names = schema.get("properties", {})
                kept = [one for one in names if one in schema.get("required", ()) or self.chance.random() < 0.4]
                return {one: self.good(names[one], one) for one in kept}
            case "array":
                return [self.good(schema.get("items", {}), name)]
            case "integer":
                return schema.get("minimum", 1)
            case "boolean":
                return True
        return schema.get("const") or next(iter(schema.get("enum", ["x"])))

    def resolved(self, schema):
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def spoiled(self, value):
        """The value with something hostile in one place of it."""
        if isinstance(value, dict) and value and self.chance.random() < 0.9:
            name = self.chance.choice(list(value))
            return {**value, name: self.spoiled(value[name])}
        if isinstance(value, list) and value and self.chance.random() < 0.5:
            return [self.spoiled(value[0]), *value[1:]]
        return self.value()

    def body(self, operation):
        if self.chance.random() < 0.1:
            return self.chance.choice(RAW)
        if "requestBody" not in operation:
            return b""
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        made = self.good(schema)
        for _ in range(self.chance.choice([1, 1, 1, 2, 4])):
            made = self.spoiled(made)
        if isinstance(made, dict) and isinstance(made.get("wait_seconds"), int | float):
            # It would only wait.
            made["wait_seconds"] *= 1000
        return json.dumps(made).encode()

    def request(self, path, operation):
        """A path, its query and a body."""
        parameters = operation.get("parameters", ())
        bad = self.chance.random() < (0.3 if parameters and "requestBody" in operation else 0.9)
        query, places = [], dict(self.ids)
        for one in parameters:
            if one["in"] == "query" and self.chance.random() < 0.5:
                query.append(f"{one['name']}={quote(self.text(), safe='', errors='surrogatepass')}")
            elif one["in"] == "path" and bad and not query and self.chance.random() < 0.5:
                # Half of a path would be another path.
                places[one["name"]] = quote(self.text()[:300], safe="", errors="surrogatepass") or "x"
        return path.format(**places) + ("?" + "&".join(query) if query else ""), self.body(operation)


def one_of_everything(api):
    name = f"queue {uuid4().hex[:8]}"
    queue = api("POST", "/v1/queues", 201, json={"name": name})["queue"]["id"]
    agent = api("POST", "/v1/agents", 201, json={"name": name})["agent"]["id"]
    api("PUT", f"/v1/queues/{queue}/consumers/{agent}", json={})
    body = {"cases": [{"title": "one", "data": {"a": 1}, "labels": [{"value": "tag"}]}, {"title": "two"}]}
    case = api("POST", f"/v1/queues/{queue}/cases", 201, json=body)["added_cases"][0]["id"]
    run = api("POST", f"/v1/agents/{agent}/claim", json={})["run_id"]
    api("POST", f"/v1/runs/{run}/ask", json={"attempt": 1, "title": "sure?"})
    (request,) = api("GET", f"/v1/human-requests?queue_id={queue}")["human_requests"]
    run = api("POST", f"/v1/agents/{agent}/claim", json={})["run_id"]
    label = api("GET", f"/v1/queues/{queue}/labels")["labels"][0]["id"]
    limit = api("PUT", "/v1/limits", json={"queue_id": queue, "concurrency": 9})["limit"]["id"]
    names = ("queue_id", "agent_id", "case_id", "run_id", "request_id", "label_id", "limit_id")
    return dict(zip(names, (queue, agent, case, run, request["id"], label, limit), strict=True))


def operations(document) -> Iterator[tuple[str, str, dict]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


@pytest.fixture
def unlimited(api, installation):
    """The API without a limit of requests a minute."""
    casework = replace(installation, settings=installation.settings.model_copy(update={"rate_limit_per_minute": 0}))
    with TestClient(create_app(casework), raise_server_exceptions=False) as client:
        yield type(api)(client, casework, api.token)
    casework.publisher.close()


@pytest.mark.timeout(600)
def test_hostile_input_gets_a_quick_and_small_answer(unlimited):
    api = unlimited
    document = api.client.get("/openapi.json").json()
    wrong, statuses = [], set()
    for place, (method, path, operation) in enumerate(operations(document)):
        hostile = Hostile(document, one_of_everything(api), random.Random(place))
        for _ in range(REQUESTS):
            asked, body = hostile.request(path, operation)
            answer, seconds = timed(api, method, asked, body)
            statuses.add(answer.status_code)
            ok = answer.status_code < 500 or (answer.status_code == 503 and path == "/readyz")
            if not ok or seconds > SLOWEST_SECONDS or len(answer.content) > LARGEST_BYTES:
                wrong.append(
                    (method, asked[:200], body[:200], answer.status_code, round(seconds, 2), answer.content[:200])
                )
    assert wrong == []
    assert {200, 201, 400, 404, 409} <= statuses
    assert 429 not in statuses


def timed(api, method, asked, body):
    """The answer and how long it took; what takes too long on a busy machine is tried once more."""
    for _ in range(2):
        began = perf_counter()
        answer = api.raw(method, asked, content=body, headers={"content-type": "application/json"})
        seconds = perf_counter() - began
        if seconds <= SLOWEST_SECONDS:
            break
    return answer, seconds
