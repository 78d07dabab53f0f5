"""The tools over an installation of their own, called by the SDK's client."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import anyio
import pytest
from mcp import Client

from casework.core.model import DEFAULT_TEAM, AgentKind, Queue, TeamId
from casework.core.roles import Role
from casework.mcp import caller
from casework.mcp.call import in_thread
from casework.mcp.server import McpServer
from casework.mcp.waits import Waits
from casework.service import agents, keys, queues
from casework.settings import Settings
from casework.wiring import Casework, connect
from databases import empty

Scene = Callable[[Client], Awaitable[Any]]


class Models:
    """Clients in this process."""

    def __init__(self, casework: Casework) -> None:
        self.casework = casework
        self.db = casework.db

    def server(
        self, token: str | None = None, *, most_waits: int = 10, ending: Callable[[], bool] = lambda: False
    ) -> Any:
        """A server as a process has it, for a client with that key, or with all rights."""

        async def identify(_: Any) -> caller.Caller:
            if token is None:
                return caller.at_home(self.casework, "tester")
            return caller.of_key(self.casework, await in_thread(keys.authenticate, self.db, token))

        return McpServer(self.db, identify, Waits(most_waits, ending)).sdk

    def run(self, scene: Scene, token: str | None = None, *, server: Any = None, **options: Any) -> Any:
        """What comes of a scene with a client. `mode="legacy"` speaks the older protocol."""

        async def played() -> Any:
            async with Client(server or self.server(token), **options) as client:
                with anyio.fail_after(60):
                    return await scene(client)

        return asyncio.run(played())

    def __call__(self, tool: str, token: str | None = None, *, client: Any = None, **arguments: Any) -> Any:
        """Call a tool, expect it to do its work, and return what it returned."""
        result = self.run(partial(_call, tool, arguments), token, **(client or {}))
        assert not result.is_error, result.content[0].text
        return result.structured_content

    def refused(self, tool: str, token: str | None = None, *, client: Any = None, **arguments: Any) -> str:
        """Call a tool, expect it to refuse in one line, and return the line."""
        result = self.run(partial(_call, tool, arguments), token, **(client or {}))
        assert result.is_error, result.structured_content
        (content,) = result.content
        assert len(content.text.splitlines()) == 1
        return content.text

    def key(self, role: Role, name: str | None = None, team: TeamId = DEFAULT_TEAM, **options: Any) -> str:
        """A key; one of role agent works for those of `for_agents`, or else for an agent of its own."""
        if role is Role.AGENT and "for_agents" not in options:
            own = agents.create(
                self.db, self.casework.settings, team, f"agent {secrets.token_hex(4)}", kind=AgentKind.PULL
            )
            options["for_agents"] = [own.id]
        return keys.create(self.db, team, name or str(role), role, **options)[1]


async def _call(tool: str, arguments: dict[str, Any], client: Client) -> Any:
    return await client.call_tool(tool, arguments)


@pytest.fixture(scope="module")
def installation(new_database, servers, tmp_path_factory) -> Iterator[Casework]:
    casework = connect(
        Settings(
            database_url=new_database.shared("mcp"),
            redis_url=servers.redis,
            agent_modules="sample_agents",
            home=tmp_path_factory.mktemp("h"),
        ),
        pool_size=10,
    )
    empty(casework.db)
    yield casework
    casework.close()


@pytest.fixture
def models(installation: Casework) -> Models:
    empty(installation.db)
    return Models(installation)


@pytest.fixture
def queue(models: Models) -> Queue:
    return queues.create(models.db, DEFAULT_TEAM, "inbox")


@pytest.fixture
def robot(models: Models, queue: Queue) -> str:
    """The key of an agent elsewhere that works on the queue."""
    found = agents.create(models.db, models.casework.settings, DEFAULT_TEAM, "robot", kind=AgentKind.PULL)
    queues.set_consumer(models.db, DEFAULT_TEAM, queue.id, found.id, trigger=True, concurrency=5)
    return models.key(Role.AGENT, for_agents=[found.id])
