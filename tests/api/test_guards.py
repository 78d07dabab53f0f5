"""Keys, roles, teams, limits, and what an answer always carries."""

import socket
from contextlib import closing
from datetime import timedelta
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from casework.api.app import create_app
from casework.broker import circuit_breaker
from casework.broker.names import Names
from casework.core.model import DEFAULT_TEAM
from casework.core.roles import RIGHTS, Right, Role
from casework.service import keys
from casework.store.database import Database


def test_refuses_requests_without_a_valid_key(api, client, queue):
    assert client.get("/v1/queues").status_code == 401
    assert client.get("/v1/queues").headers["www-authenticate"] == "Bearer"
    key, token = keys.create(api.db, DEFAULT_TEAM, "k", Role.READER)
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    for bad in ("nonsense", wrong, f"cw_{'0' * 16}_{'A' * 43}", token + "x", token.upper()):
        assert api("GET", "/v1/queues", 401, token=bad)["error"] == "unauthorized"
    api("GET", "/v1/queues", token=token)
    keys.revoke(api.db, DEFAULT_TEAM, key.id)
    api("GET", "/v1/queues", 401, token=token)


def test_refuses_an_expired_key(api, queue):
    _, token = keys.create(api.db, DEFAULT_TEAM, "k", Role.READER, timedelta(days=30))
    api("GET", "/v1/queues", token=token)
    with api.db.begin() as tx:
        tx.sql("update api_keys set expires_at = now() - interval '1 second' where name = 'k'")
    api("GET", "/v1/queues", 401, token=token)


def test_stores_no_secret(api):
    _, token = keys.create(api.db, DEFAULT_TEAM, "k", Role.READER)
    with api.db.begin() as tx:
        stored = str(tx.sql("select * from api_keys").all())
    secret = token.split("_", 2)[2]
    assert len(secret) > 20 and secret not in stored


OPERATIONS = {
    Right.READ: ("GET", "/v1/queues/{queue}/cases", {}, 200),
    Right.ADD: ("POST", "/v1/queues/{queue}/cases", {"json": {"case": {"title": "x"}}}, 201),
    Right.WORK: ("POST", f"/v1/agents/{uuid4()}/claim", {}, 404),
    Right.OPERATE: ("POST", "/v1/queues/{queue}/pause", {}, 200),
    Right.ANSWER: ("POST", f"/v1/human-requests/{uuid4()}/answer", {"json": {"decision": "approve"}}, 404),
    Right.MANAGE: ("POST", "/v1/queues", {"json": {"name": "new"}}, 201),
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("right", list(Right))
def test_allows_each_role_its_rights(api, queue, role, right):
    method, path, options, code = OPERATIONS[right]
    api(method, path.format(queue=queue), code if right in RIGHTS[role] else 403, token=api.key(role), **options)


def test_hides_other_teams_objects(api, queue):
    case_id = api("POST", f"/v1/queues/{queue}/cases", 201, json={"case": {"title": "x"}})["added_cases"][0]["id"]
    agent = api("POST", "/v1/agents", 201, json={"name": "a"})["agent"]["id"]
    other = api.key(Role.ADMIN, keys.team(api.db, "others", create=True))
    for path in (
        f"/v1/queues/{queue}",
        f"/v1/queues/{queue}/cases",
        f"/v1/cases/{case_id}",
        f"/v1/cases/{case_id}/runs",
        f"/v1/agents/{agent}",
    ):
        api("GET", path, 404, token=other)
    for path in (f"/v1/queues/{queue}/pause", f"/v1/agents/{agent}/claim"):
        api("POST", path, 404, token=other)
    api("DELETE", f"/v1/cases/{case_id}", 404, token=other)
    api("DELETE", f"/v1/queues/{queue}/cases", 404, token=other)
    api("POST", f"/v1/queues/{queue}/cases/bulk-delete", 404, token=other, json={"case_ids": [case_id]})
    api("POST", f"/v1/queues/{queue}/cases", 404, token=other, json={"case": {"title": "x"}})
    assert api("GET", "/v1/queues", token=other) == {"queues": [], "total": 0}
    assert api("GET", "/v1/runs", token=other)["runs"] == []
    api("POST", "/v1/queues", 201, token=other, json={"name": "inbox"})


def test_answers_with_a_request_id(api, client):
    assert client.get("/healthz").headers["x-request-id"]
    assert api.raw("GET", "/v1/queues", headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert api.raw("GET", "/v1/queues", headers={"x-request-id": "not mine!"}).headers["x-request-id"] != "not mine!"
    assert api.raw("GET", "/v1/nowhere").headers["x-request-id"]


def limited(installation, **changes):
    settings = installation.settings.model_copy(update=changes)
    return TestClient(
        create_app(type(installation)(settings, installation.db, lambda: installation.publisher)),
        raise_server_exceptions=False,
    )


def test_limits_the_requests_of_a_key_per_minute(api, installation):
    client = limited(installation, rate_limit_per_minute=5)
    headers = {"authorization": f"Bearer {api.key(Role.READER)}"}
    answers = [client.get("/v1/queues", headers=headers) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[0].headers["x-ratelimit-limit"] == "5"
    assert answers[0].headers["x-ratelimit-remaining"] == "4"
    assert int(answers[5].headers["retry-after"]) >= 1
    assert answers[5].json()["error"] == "too_many_requests"
    assert client.get("/v1/queues", headers={"authorization": f"Bearer {api.token}"}).status_code == 200


def test_limits_nothing_without_redis(api, installation):
    class Away:
        url, names = "redis://127.0.0.1:1/0", Names("test:")

    settings = installation.settings.model_copy(update={"rate_limit_per_minute": 1})
    client = TestClient(create_app(type(installation)(settings, installation.db, Away)))
    headers = {"authorization": f"Bearer {api.token}"}
    assert [client.get("/v1/queues", headers=headers).status_code for _ in range(3)] == [200] * 3


def test_waits_once_for_a_redis_that_does_not_answer(api, installation, monkeypatch):
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 3600.0)
    settings = installation.settings.model_copy(update={"rate_limit_per_minute": 1})
    headers = {"authorization": f"Bearer {api.token}"}
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)

        class Silent:
            url, names = f"redis://127.0.0.1:{server.getsockname()[1]}/0", Names("test:")

        client = TestClient(create_app(type(installation)(settings, installation.db, Silent)))
        assert client.get("/v1/queues", headers=headers).status_code == 200
        server.accept()[0].close()
        assert client.get("/v1/queues", headers=headers).status_code == 200
        with pytest.raises(BlockingIOError):
            server.accept()


def test_allows_other_origins_only_if_they_are_set(client, installation):
    asked = {"origin": "https://desk.example", "access-control-request-method": "GET"}
    assert "access-control-allow-origin" not in client.options("/v1/queues", headers=asked).headers
    allowed = limited(installation, cors_origins="https://desk.example").options("/v1/queues", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == "https://desk.example"


def test_answers_503_without_its_database(api, installation):
    away = Database("postgresql://casework@127.0.0.1:1/away")
    client = TestClient(create_app(type(installation)(installation.settings, away, lambda: installation.publisher)))
    answer = client.get("/v1/queues", headers={"authorization": f"Bearer {api.token}"})
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_reports_why_it_is_not_ready(client, api):
    answer = client.get("/readyz")
    checks = answer.json()["checks"]
    assert (answer.status_code, checks["database"], checks["broker"]) == (503, "ok", "ok")
    assert "ticker" in checks["ticker"]
