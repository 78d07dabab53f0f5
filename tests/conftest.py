"""Real PostgreSQL for everything that touches SQL: one server for the session, each test's changes rolled back."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from casework import embedded, events, log
from casework.core.model import DEFAULT_TEAM
from casework.embedded import Urls
from casework.settings import Settings
from casework.store.database import Database
from databases import Databases, empty, spare_the_disk
from rolled_back import Clock, rolled_back

for name in [name for name in os.environ if name.startswith("CASEWORK_") and not name.startswith("CASEWORK_TEST_")]:
    del os.environ[name]
# Tests start hundreds of processes: each would compile casework for itself, and each of pytest's all of the tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What asks for a home without being given one must not find the user's.
os.environ["CASEWORK_HOME"] = "/nowhere/casework"

# Others use this machine too: how long an example takes says nothing.
hypothesis.settings.register_profile("shared", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("shared")

TEAM = DEFAULT_TEAM


SLOW = {
    "test_claims_and_completions_go_on_while_explain_is_polled",
    "test_claims_as_fast_beside_200_000_cases_that_cannot_be_claimed",
    "test_conformance_of_stops",
    "test_deadlocks_no_two_acts",
    "test_each_pattern_of_the_code_is_linear",
    "test_event_loop",
    "test_fuzz",
    "test_hostile",
    "test_lost_answers",
    "test_messages_beyond_the_limit_are_left_out_and_the_outcome_counts",
    "test_openai_guide",
    "test_page_that_opens_while_sessions_are_checked_goes_on",
    "test_payloads",
    "test_people_at_once",
    "test_pydantic_ai_guide",
    "test_schemathesis",
    "test_several_tickers_share_by_weight_each_for_its_own_claims",
    "test_slot_time_follows_weights_in_any_ten_seconds",
    "test_slow_clients",
    "test_transactions_give_the_same_whether_plans_are_discarded_or_not",
    "test_type_checker_names_a_misspelled_option",
    "test_what_was_expected_wrongly_is_made_up_for",
    "test_without_tracing_nothing_is_sent_or_said",
}
"""Files whose tests take many seconds each, and single tests that do."""


def is_slow(item: pytest.Item) -> bool:
    """Real processes and real browsers take seconds to do what they do: those marked `quick` stand for their kind."""
    if not SLOW.isdisjoint((item.path.stem, getattr(item, "originalname", ""))):
        return True
    is_real = item.get_closest_marker("process") is not None or "browser" in getattr(item, "fixturenames", ())
    return is_real and item.get_closest_marker("quick") is None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_slow(item):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """What has been imported stays: the collector need not look at it time and again."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def logged() -> None:
    """Events are log lines, as in casework's processes."""
    events.subscribe(log.record)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the session's own servers."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def servers(home: Path) -> Urls:
    """PostgreSQL and Redis: those that CASEWORK_TEST_DATABASE_URL and CASEWORK_TEST_REDIS_URL name, else our own."""
    urls = embedded.resolve(
        Settings(
            home=home,
            database_url=os.environ.get("CASEWORK_TEST_DATABASE_URL", ""),
            redis_url=os.environ.get("CASEWORK_TEST_REDIS_URL", ""),
        )
    )
    if urls.own_database:
        spare_the_disk(urls.database)
    return urls


@pytest.fixture(scope="session")
def new_database(servers: Urls) -> Databases:
    """Makes databases on the session's server: `new_database(name) -> url`."""
    return Databases(servers.database)


@pytest.fixture(scope="session")
def migrated(new_database: Databases) -> Iterator[Database]:
    """The database of the tests that roll back. A module may have one of its own, filled once for all of its tests."""
    db = Database(new_database("rolled_back"))
    yield db
    db.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def db(migrated: Database, clock: Clock) -> Iterator[Database]:
    """A database that forgets everything at the end of the test, and whose time is the test's."""
    with rolled_back(migrated, clock) as found:
        yield found


@pytest.fixture
def settings() -> Settings:
    return Settings(agent_modules="sample_agents", retry_base_seconds=1)


@pytest.fixture(scope="session")
def several_connections(new_database: Databases) -> Iterator[Database]:
    db = Database(new_database("several_connections"), pool_size=30)
    yield db
    db.close()


@pytest.fixture
def committed(several_connections: Database) -> Database:
    """An empty database, for tests with several connections."""
    empty(several_connections)
    return several_connections
