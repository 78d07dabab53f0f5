"""All processes started before their servers are there: each waits, and goes on without a hand when they come."""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from casework.cli.roles import Pool
from casework.embedded.home import Home
from casework.embedded.servers import Postgres, Valkey, start_and_wait
from casework.store import schema
from casework.store.database import Database
from factories import some_cases, worked_queue
from patience import wait_for
from ports import free_port, get

pytestmark = pytest.mark.process


@pytest.fixture
def late():
    """Servers of the test's own, which are not there yet."""
    home = Home(Path(tempfile.mkdtemp(prefix="cw-")))
    servers = [Valkey(home), Postgres(home)]
    yield home, servers
    for server in servers:
        server.stop()
    shutil.rmtree(home.path, ignore_errors=True)


def test_waits_for_servers_that_start_late(installation, late):
    home, servers = late
    urls = {"database_url": home.database_url, "redis_url": home.redis_url}
    for pool in Pool:
        installation.worker(pool, **urls)
    installation.ticker(**urls)
    installation.beat(**urls)
    port = free_port()
    installation.start([sys.executable, "-m", "casework", "api", "--port", str(port)], **urls)
    wait_for(lambda: get(port, "/healthz") == 200, "the API to serve")
    for number in range(4):
        log = installation.logs / f"{number}.log"
        wait_for(lambda log=log: "startup.waiting" in log.read_text(), f"process {number} to wait")
    home.make()
    for server in servers:
        start_and_wait(server, home)
    db = Database(home.database_url)
    schema.upgrade(db)
    queue, _ = worked_queue(db, "sample_agents:completes")
    some_cases(db, queue, 5)
    wait_for(lambda: _completed(db) == 5, "the cases to be worked")
    assert get(port, "/readyz") == 200
    assert [process.poll() for process in installation.processes] == [None] * 5
    db.close()


def _completed(db):
    with db.begin() as tx:
        return tx.sql("select count(*) from cases where status = 'completed'").scalar_one()
