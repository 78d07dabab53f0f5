"""What is away, or takes too long: fixed words for clients, details for the log, and nobody else waits for it."""

import logging
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from casework.api.app import READS, create_app
from casework.core.roles import Role
from casework.errors import BrokerUnavailable
from casework.store.database import Database
from casework.wiring import Casework
from patience import PATIENCE

SECRET = "marked-secret"
NOWHERE = f"postgresql://someone:{SECRET}@127.0.0.1:1/nobody?password={SECRET}&sslpassword={SECRET}"


@pytest.fixture
def away(installation):
    """An API whose servers are not there."""
    db = Database(NOWHERE)

    def check():
        raise BrokerUnavailable(f"The broker does not answer: redis://:{SECRET}@somewhere:1/0")

    publisher = SimpleNamespace(url="redis://127.0.0.1:1/0", check=check)
    settings = installation.settings.model_copy(update={"rate_limit_per_minute": 0})
    yield TestClient(create_app(Casework(settings, db, lambda: publisher)), raise_server_exceptions=False)
    db.close()


TOLD = "The server log has details under this request id."


def test_health_does_not_reveal_where_the_servers_are(away, caplog):
    with caplog.at_level(logging.WARNING, "casework"):
        answer = away.get("/readyz", headers={"x-request-id": "mine"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (503, "mine")
    assert answer.json()["checks"] == {
        "database": f"The database is not available. {TOLD}",
        "broker": f"The broker is not available. {TOLD}",
        "ticker": "unknown",
        "worker": "unknown",
    }
    (line,) = [record for record in caplog.records if record.getMessage() == "api.not_ready"]
    assert line.ids["request"] == "mine"
    assert "127.0.0.1" in line.ids["trouble"]


def test_a_503_has_fixed_words_and_the_log_the_rest(away, caplog):
    headers = {"authorization": f"Bearer cw_{'0' * 16}_{'A' * 43}", "x-request-id": "mine"}
    with caplog.at_level(logging.WARNING, "casework"):
        answer = away.get("/v1/queues", headers=headers)
    assert answer.json() == {"error": "unavailable", "message": f"The database does not answer. {TOLD}"}
    assert answer.headers["retry-after"] == "1"
    (line,) = [record for record in caplog.records if record.getMessage() == "api.unavailable"]
    assert line.ids["request"] == "mine"
    for name in ("someone", "127.0.0.1", SECRET):
        assert name not in answer.text


def test_a_mistake_of_the_server_says_nothing_but_that(api, queue, installation):
    client = TestClient(create_app(installation), raise_server_exceptions=False)
    client.app.state.counts = SECRET
    answer = client.get(f"/v1/queues/{queue}/stats", headers={"authorization": f"Bearer {api.token}"})
    assert answer.status_code == 500
    assert answer.json() == {"error": "internal_error", "message": f"Internal server error. {TOLD}"}


@contextmanager
def locked(db, table):
    """Whoever reads the table waits until the block ends."""
    with db.begin() as tx:
        tx.sql(f"lock table {table} in access exclusive mode")
        yield


@pytest.fixture
def reading(api, installation):
    """The API with connections of their own for reads, whose statements may take that long: `reading(seconds)`."""
    opened = []

    def make(seconds):
        reads = Database(installation.db.url, pool_size=READS, statement_seconds=seconds)
        client = TestClient(create_app(installation, reads), raise_server_exceptions=False)
        client.headers["authorization"] = f"Bearer {api.token}"
        opened.append(client.__enter__())
        opened.append(reads)
        return client

    yield make
    for one in opened:
        one.close()


def test_a_read_that_takes_too_long_is_ended_and_says_so(reading, installation):
    client = reading(0.2)
    with locked(installation.db, "human_requests"):
        answer = client.get("/v1/human-requests")
    assert answer.status_code == 503
    assert answer.json()["message"].startswith("The database took too long to answer.")
    assert client.get("/v1/human-requests").status_code == 200


def test_writes_health_and_others_do_not_wait_behind_the_reads_of_a_key(api, reading, installation):
    client = reading(60)
    reader = {"authorization": f"Bearer {api.key(Role.READER)}"}
    statuses = []

    def read():
        statuses.append(client.get("/v1/human-requests", headers=reader).status_code)

    threads = [threading.Thread(target=read) for _ in range(6 * READS)]
    with locked(installation.db, "human_requests"):
        for thread in threads:
            thread.start()
        wait_until_waiting(installation.db, READS // 2)
        assert client.post("/v1/queues", json={"name": "new"}).status_code == 201
        assert client.get("/v1/queues").status_code == 200
        assert client.get("/readyz").json()["checks"]["database"] == "ok"
        assert waiting(installation.db) == READS // 2
    for thread in threads:
        thread.join(PATIENCE)
    assert set(statuses) <= {200, 503}


def waiting(db):
    with db.begin() as tx:
        return tx.sql(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%%human_requests%%'"
        ).scalar_one()


def wait_until_waiting(db, count):
    for _ in range(2000):
        if waiting(db) >= count:
            return
    raise AssertionError(f"{count} reads do not wait")
