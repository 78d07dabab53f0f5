"""The API over a database of its own, called in this process."""

import secrets
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from casework.api.app import create_app
from casework.core.model import DEFAULT_TEAM, AgentKind, TeamId
from casework.core.roles import Role
from casework.service import agents, keys
from casework.settings import Settings
from casework.wiring import Casework, connect
from databases import empty


class Api:
    """Calls with a key."""

    def __init__(self, client: TestClient, casework: Casework, token: str) -> None:
        self.client = client
        self.casework = casework
        self.db = casework.db
        self.token = token

    def __call__(self, method: str, path: str, code: int = 200, *, token: str | None = None, **options: Any) -> Any:
        """Call, expect that status, and return the body."""
        answer = self.raw(method, path, token=token, **options)
        assert answer.status_code == code, answer.text
        if code >= 400:
            assert set(answer.json()) <= {"error", "message", "details"}
        return answer.json() if answer.content else None

    def raw(self, method: str, path: str, *, token: str | None = None, **options: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {token or self.token}", **options.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **options)

    def add(self, queue: str, *titles: str, **fields: Any) -> list[str]:
        """Create cases with these titles. Returns their ids."""
        body = {"cases": [{"title": title, **fields} for title in titles]}
        return [case["id"] for case in self("POST", f"/v1/queues/{queue}/cases", 201, json=body)["added_cases"]]

    def key(self, role: Role, team: TeamId = DEFAULT_TEAM, **options: Any) -> str:
        """A key; one of role agent works for those of `for_agents`, or else for an agent of its own."""
        if role is Role.AGENT and "for_agents" not in options:
            own = agents.create(
                self.db, self.casework.settings, team, f"agent {secrets.token_hex(4)}", kind=AgentKind.PULL
            )
            options["for_agents"] = [own.id]
        return keys.create(self.db, team, str(role), role, **options)[1]


@pytest.fixture(scope="module")
def installation(new_database, servers, tmp_path_factory) -> Iterator[Casework]:
    values = {
        "database_url": new_database.shared("api"),
        "redis_url": servers.redis,
        "agent_modules": "sample_agents",
        "agent_commands": "sh *",
        "home": tmp_path_factory.mktemp("h"),
    }
    casework = connect(Settings(**values))
    empty(casework.db)
    yield casework
    casework.close()


@pytest.fixture(scope="module")
def client(installation: Casework) -> Iterator[TestClient]:
    with TestClient(create_app(installation), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def api(client: TestClient, installation: Casework) -> Api:
    empty(installation.db)
    token = keys.create(installation.db, DEFAULT_TEAM, "tests", Role.ADMIN)[1]
    return Api(client, installation, token)


@pytest.fixture
def queue(api: Api) -> str:
    return api("POST", "/v1/queues", 201, json={"name": "inbox"})["queue"]["id"]


@pytest.fixture
def agent(api: Api, queue: str) -> str:
    """An agent elsewhere, which takes one case of the queue at a time."""
    found: str = api("POST", "/v1/agents", 201, json={"name": "remote"})["agent"]["id"]
    api("PUT", f"/v1/queues/{queue}/consumers/{found}", json={"concurrency": 1})
    return found


@pytest.fixture
def python_agent(api: Api, queue: str) -> str:
    """A Python agent that asks a question, with five slots in the queue."""
    found = agents.create(api.db, api.casework.settings, DEFAULT_TEAM, "worker", target="sample_agents:asks")
    api("PUT", f"/v1/queues/{queue}/consumers/{found.id}", json={"concurrency": 5})
    return str(found.id)
