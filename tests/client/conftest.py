"""Both clients against the real API, called in this process."""
# ruff: noqa: F811 - fixtures take others by their names

import asyncio
from collections.abc import Callable
from datetime import timedelta
from inspect import isawaitable
from typing import Any
from uuid import UUID

import httpx2
import pytest

from api.conftest import Api, agent, api, client, installation, python_agent, queue  # noqa: F401 - fixtures
from casework import Action, Request
from casework.client import AsyncClient, Client
from casework.core.roles import Role

URL = "http://testserver"


class Awaited:
    """An async client whose operations block, so that one test tries both clients."""

    def __init__(self, app: Any, token: str) -> None:
        self._app, self._token = app, token

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            return self.run(lambda one: _all(getattr(one, name)(*args, **options)))

        return call

    def run(self, scene: Callable[[AsyncClient], Any]) -> Any:
        async def played() -> Any:
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self._app)) as http:
                return await scene(AsyncClient(URL, self._token, http=http))

        return asyncio.run(played())


async def _all(called: Any) -> Any:
    return [item async for item in called] if hasattr(called, "__aiter__") else await called


@pytest.fixture
def sync(api: Api) -> Client:
    return Client(URL, api.token, http=api.client)


@pytest.fixture
def awaited(api: Api) -> Awaited:
    return Awaited(api.client.app, api.token)


@pytest.fixture(params=["sync", "awaited"])
def remote(request: pytest.FixtureRequest) -> Any:
    """Either client. Iterators of the async one come as lists."""
    return request.getfixturevalue(request.param)


class Works:
    """Works a queue off with either client."""

    def __init__(self, api: Api, token: str, is_async: bool) -> None:
        self.app, self.http, self.token, self.is_async = api.client.app, api.client, token, is_async

    def __call__(self, handler: Callable[[Any], Any], agent: str | UUID = "remote", **options: Any) -> int:
        """Work with a plain handler until there is no case. Returns how many runs ended."""
        if not self.is_async:
            return Client(URL, self.token, http=self.http).agent(agent).work(handler, until_idle=True, **options)

        async def awaiting(run: Any) -> Any:
            done = handler(run)
            return await done if isawaitable(done) else done

        return self.awaiting(awaiting, agent, **options)

    def awaiting(self, handler: Callable[[Any], Any], agent: str | UUID = "remote", **options: Any) -> int:
        """The same with an async handler, and the async client."""

        async def scene() -> int:
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app)) as http:
                client = AsyncClient(URL, self.token, http=http)
                return await client.agent(agent).work(handler, until_idle=True, **options)

        return asyncio.run(scene())


@pytest.fixture
def agent_key(api: Api, agent: str) -> str:
    """A key that works for the agent, and may not read."""
    return api.key(Role.AGENT, for_agents=[UUID(agent)])


@pytest.fixture(params=["sync", "async"])
def works(request: pytest.FixtureRequest, api: Api, agent_key: str) -> Works:
    return Works(api, agent_key, request.param == "async")


@pytest.fixture
def sync_works(api: Api, agent_key: str) -> Works:
    return Works(api, agent_key, False)


@pytest.fixture
def async_works(api: Api, agent_key: str) -> Works:
    return Works(api, agent_key, True)


def reason_of(sync, case_id):
    return sync.get_case(case_id)["events"][-1]["reason"]


REFUND = Request(
    kind="approval",
    title="Refund?",
    description="**Now**",
    action=Action(name="refund", arguments={"euros": 120}),
    decisions=["approve", "edit"],
    assignees=["key of nobody", "Ann"],
    expires="2h",
    on_expiry="default",
    default=True,
    remind=timedelta(minutes=90),
    key="refund",
)
