"""The page in a real browser, over a database of its own. Skipped where no browser is found."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from casework.core.model import DEFAULT_TEAM, AgentKind, NewCase
from casework.core.roles import Role
from casework.errors import NameTaken
from casework.service import agents, cases, keys, queues, web_sessions
from casework.settings import Settings
from casework.store.installation import identity
from casework.wiring import Casework, connect
from databases import empty

playwright_api = pytest.importorskip(
    "playwright.sync_api", reason="the page's tests need playwright: pip install '.[dev]'"
)

from factories import work_all  # noqa: E402
from patience import PATIENCE  # noqa: E402
from web.browser import found_browser, launched, served  # noqa: E402


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """For one module: playwright keeps an event loop running, which tests of async code elsewhere must not find."""
    path = found_browser()
    if path is None:
        pytest.skip("no browser is found: install chromium, or name one with CASEWORK_TEST_BROWSER")
    # What must come, comes: the machine may be busy.
    playwright_api.expect.set_options(timeout=PATIENCE * 1_000)
    with playwright_api.sync_playwright() as playwright:
        browser = launched(playwright, path)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def installation(new_database, servers, tmp_path_factory) -> Iterator[Casework]:
    values = {
        "database_url": new_database.shared("web"),
        "redis_url": servers.redis,
        "agent_modules": "sample_agents",
        "home": tmp_path_factory.mktemp("web"),
        "rate_limit_per_minute": 0,
    }
    casework = connect(Settings(**values))
    empty(casework.db)
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
        """A browser of somebody else: no cookies, nothing kept. What it shows does not move."""
        usual = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}
        context = self.browser.new_context(**{**usual, **options})
        context.set_default_timeout(PATIENCE * 1_000)
        return context

    def signed_in(self, role: Role = Role.ADMIN, person: str = "Ada", **options: Any) -> Any:
        """A page of somebody who is signed in with a new key of that role."""
        context = self.context(**options)
        token = web_sessions.sign_in(self.casework.db, self.token(role), person)
        context.add_cookies([{"name": self.cookie, "value": token, "url": self.address, "httpOnly": True}])
        return context.new_page()

    def ask(self, *requests: dict[str, Any], title: str = "A case", **options: Any) -> Any:
        """A case whose agent has asked this, together, and waits. Returns the case's id."""
        data = {"requests": list(requests), "says": options.pop("says", ())}
        (case_id,) = self.add(NewCase(title, data, **options))
        self.work()
        return case_id

    def add(self, *new: NewCase, queue: str = "invoices", agent: str = "asks_what_its_case_says") -> list[Any]:
        """Create cases in a queue, which has an agent of sample_agents. Returns their ids."""
        db, casework = self.casework.db, self.casework
        with suppress(NameTaken):
            queues.create(db, DEFAULT_TEAM, queue)
            agents.create(db, casework.settings, DEFAULT_TEAM, f"{agent} of {queue}", target=f"sample_agents:{agent}")
        found = queues.get(db, DEFAULT_TEAM, queue)
        casework.perform(
            queues.set_consumer(db, DEFAULT_TEAM, found.id, f"{agent} of {queue}", trigger=True, concurrency=None)
        )
        return list(casework.perform(cases.create_all(db, found.id, list(new))))

    def work(self) -> None:
        """Let agents work until nothing is left that can be worked on."""
        work_all(self.casework.db, self.casework.settings)

    def add_message(self, case_id: Any, text: str) -> None:
        """Let the run of a case say something, as a run that goes on does."""
        with self.casework.db.begin() as tx:
            tx.sql(
                """
                insert into run_messages (run_id, type, role, content, key, created_at)
                select run_id, 'text', 'assistant', json_build_object('text', %(text)s::text), %(text)s, now() from cases
                where id = %(id)s
                """,
                {"id": case_id, "text": text},
            )

    def answers(self, case_id: Any) -> Any:
        """What the agent of `ask` got, once it has gone on."""
        self.work()
        _, events = cases.get(self.casework.db, DEFAULT_TEAM, case_id)
        return json.loads(next(event.reason for event in events if event.type == "completed"))


@pytest.fixture
def site(address: str, installation: Casework, browser: Any) -> Iterator[Site]:
    empty(installation.db)
    yield Site(address, installation, browser)
    for context in browser.contexts:
        context.close()
