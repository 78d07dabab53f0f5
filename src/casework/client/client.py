"""The two clients: the same operations, blocking and awaited."""

from typing import TYPE_CHECKING, Self
from uuid import UUID

from casework.client.drivers import AsyncDriver, Driver
from casework.client.exchange import Retries
from casework.client.limits import LimitOperations
from casework.client.pulling import AsyncPullAgent, PullAgent

if TYPE_CHECKING:
    import httpx2


class Client(Driver, LimitOperations):
    """A client of casework's API that blocks. Threads may share it; `with` closes its connections.

    `url` is the API's address, such as "http://127.0.0.1:8080". `timeout` is how many seconds one request may take.
    `retry_seconds` is how long a call is tried again in all, after lost connections and answers that are temporary; 0
    switches that off. `person` is for whom this program acts, for the history of cases. `http` is an httpx2 client with proxies, certificates or limits of your own, which stays open.

    Raises ImportError, with what to install, without httpx2, and InvalidInput for an address or key that cannot be one.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        person: str | None = None,
        timeout: float = 30.0,
        retry_seconds: float = 60.0,
        http: "httpx2.Client | None" = None,
    ) -> None:
        Driver.__init__(self, url, key, timeout, http, person)
        LimitOperations.__init__(self, Retries(retry_seconds))

    def agent(self, agent: str | UUID) -> PullAgent:
        """The pull agent with that name or id; `work(handler)` makes this program the agent."""
        return PullAgent(self, agent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(AsyncDriver, LimitOperations):
    """A client of casework's API for asyncio: as `Client`, with each operation awaited. `async with` closes its
    connections."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        person: str | None = None,
        timeout: float = 30.0,
        retry_seconds: float = 60.0,
        http: "httpx2.AsyncClient | None" = None,
    ) -> None:
        AsyncDriver.__init__(self, url, key, timeout, http, person)
        LimitOperations.__init__(self, Retries(retry_seconds))

    def agent(self, agent: str | UUID) -> AsyncPullAgent:
        """The pull agent with that name or id; `await work(handler)` makes this program the agent."""
        return AsyncPullAgent(self, agent)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
