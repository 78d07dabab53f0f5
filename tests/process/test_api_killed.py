"""kill -9 of the API while it creates a case, and the same request again: the case is there once."""

import http.client
import json
import os
import signal
import socket
import threading
from contextlib import closing, contextmanager, suppress

import pytest

from casework.core.model import DEFAULT_TEAM
from casework.core.roles import Role
from casework.service import keys, queues
from casework.store.database import Database
from patience import PATIENCE, wait_for

pytestmark = pytest.mark.process

COUNT = 6
"""So many that the API asks for a tick before it answers; fewer are claimed in a thread, and the answer does not wait."""

BODY = json.dumps({"cases": [{"title": f"once {number}"} for number in range(COUNT)]})
KEY = "the-same"


def create(port, queue, token):
    headers = {"authorization": f"Bearer {token}", "idempotency-key": KEY, "content-type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request("POST", f"/v1/queues/{queue.id}/cases", BODY, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.getheader("idempotent-replayed")


def count(db: Database, what: str) -> int:
    with db.begin() as tx:
        return tx.sql(f"select count(*) from {what}").scalar_one()


@contextmanager
def held_before_its_commit(installation):
    """Somebody else has taken the key, and neither uses it nor gives it back."""
    with suppress(InterruptedError), installation.db.begin() as tx:
        tx.sql(
            "insert into idempotency_keys (team_id, key, fingerprint, created_at) values (%(team)s, %(key)s, '', now())",
            {"team": DEFAULT_TEAM, "key": KEY},
        )
        waits = "pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        yield "", lambda: count(installation.db, waits) == 1
        raise InterruptedError


@contextmanager
def held_after_its_commit(installation):
    """A Redis that takes connections and answers none: the nudge after the commit waits for it."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"
        yield url, lambda: count(installation.db, "cases") == COUNT


@pytest.mark.parametrize(
    ("held", "replayed"),
    [(held_before_its_commit, None), pytest.param(held_after_its_commit, "true", marks=pytest.mark.quick)],
)
def test_creates_once_when_the_api_is_killed_and_asked_again(installation, held, replayed):
    queue = queues.create(installation.db, DEFAULT_TEAM, "inbox")
    token = keys.create(installation.db, DEFAULT_TEAM, "k", Role.OPERATOR)[1]
    with held(installation) as (redis_url, is_held):
        redis = {"redis_url": redis_url} if redis_url else {}
        port, api = installation.api(rate_limit_per_minute=0, **redis)
        errors = []
        asking = threading.Thread(target=lambda: errors.append(_error_of(create, port, queue, token)))
        asking.start()
        wait_for(is_held, "the creation to be under way")
        os.kill(api.pid, signal.SIGKILL)
        api.wait()
        asking.join(PATIENCE)
    assert isinstance(errors[0], OSError)
    installation.api(port)
    (first, second) = (create(port, queue, token) for _ in range(2))
    assert [first[0], first[2]] == [201, replayed]
    assert second == (201, first[1], "true")
    assert count(installation.db, "cases") == COUNT


def _error_of(act, *arguments):
    try:
        return act(*arguments)
    except Exception as error:
        return error
