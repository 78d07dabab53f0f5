"""The page in a real browser, over a database of its own. Skipped where no browser is found."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from casework.core.model import DEFAULT_TEAM, AgentKind, NewCase
from casework.core.roles import Role
from casework.service import agents, cases, dispatch, keys, queues, web_sessions
from casework.settings import Settings
from casework.store.installation import identity
from casework.wiring import Casework, connect

playwright_api = pytest.importorskip(
    "playwright.sync_api", reason="the page's tests need playwright: pip install '.[dev]'"
)

from web.browser import found_browser, launched, served  # noqa: E402


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = found_browser()
    if path is None:
        pytest.skip("no browser is found: install chromium, or name one with CASEWORK_TEST_BROWSER")
    with playwright_api.sync_playwright() as playwright:
        browser = launched(playwright, path)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def installation(new_database, servers, tmp_path_factory) -> Iterator[Casework]:
    values = {
        "database_url": new_database("web"),
        "redis_url": servers.redis,
        "agent_modules": "sample_agents",
        "home": tmp_path_factory.mktemp("web"),
        "rate_limit_per_minute": 0,
    }
    casework = connect(Settings(**values))
    yield casework
    casework.close()


@pytest.fixture(scope="module")
def address(installation: Casework) -> Iterator[str]:
    with served(installation) as (address, _):
        yield address


@dataclass
class Site:
    """The page, and what a test does behind its back."""

    address: str
    casework: Casework
    browser: Any

    def token(self, role: Role = Role.ADMIN, name: str = "") -> str:
        """A key of that role."""
        return keys.create(self.casework.db, DEFAULT_TEAM, name or str(role), role)[1]

    def agent_key(self) -> str:
        """The key of an agent elsewhere."""
        casework = self.casework
        found = agents.create(casework.db, casework.settings, DEFAULT_TEAM, "elsewhere", kind=AgentKind.PULL)
        return keys.create(casework.db, DEFAULT_TEAM, "a", Role.AGENT, for_agents=[found.id])[1]

    @property
    def cookie(self) -> str:
        """The name of the session's cookie."""
        return f"casework_session_{identity(self.casework.db)}"

    def context(self, **options: Any) -> Any:
        """A browser of somebody else: no cookies, nothing kept."""
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(15_000)
        return context

    def signed_in(self, role: Role = Role.ADMIN, person: str = "Ada", **options: Any) -> Any:
        """A page of somebody who is signed in with a new key of that role."""
        context = self.context(**options)
        token = web_sessions.sign_in(self.casework.db, self.token(role), person)
        context.add_cookies([{"name": self.cookie, "value": token, "url": self.address, "httpOnly": True}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        return page

    def queue(self, name: str = "invoices", agent: str = "asks", concurrency: int | None = None) -> Any:
        """A queue with an agent of sample_agents that is connected to it."""
        casework = self.casework
        queue = queues.create(casework.db, DEFAULT_TEAM, name)
        found = agents.create(
            casework.db, casework.settings, DEFAULT_TEAM, f"{agent} of {name}", target=f"sample_agents:{agent}"
        )
        casework.perform(
            queues.set_consumer(casework.db, DEFAULT_TEAM, queue.id, found.name, trigger=True, concurrency=concurrency)
        )
        return queue

    def add(self, queue: Any, *titles: str, **fields: Any) -> list[Any]:
        """Create cases."""
        new = [NewCase(title, **fields) for title in titles]
        return list(self.casework.perform(cases.create_all(self.casework.db, queue.id, new)))

    def tick(self) -> None:
        """Claim what can be claimed."""
        for committed in dispatch.tick(self.casework.db, self.casework.settings):
            committed.value  # noqa: B018 - each is committed when it is yielded


@pytest.fixture
def site(address: str, installation: Casework, browser: Any) -> Iterator[Site]:
    with installation.db.begin() as tx:
        tables = "queues, consumers, agents, cases, runs, case_events, human_requests, run_messages, run_steps, labels, case_labels, case_search, counters"
        tx.sql(f"truncate {tables}, api_keys, idempotency_keys, processes, web_sessions, web_links")
    yield Site(address, installation, browser)
    for context in browser.contexts:
        context.close()
