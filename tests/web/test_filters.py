"""A filter of the page, its call of the API, and its command find the same cases."""

import json
import shlex
from urllib.parse import parse_qs, urlencode

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from casework.api.app import create_app
from casework.cli import app, console
from casework.core.lifecycle import CaseStatus
from casework.core.model import LabelRef, NewCase
from casework.core.roles import Role
from casework.errors import InvalidInput
from casework.service import cases, keys, listing, queues
from casework.service.listing import Counts
from casework.settings import Settings
from casework.web.filters import CaseQuery, read_query
from casework.wiring import connect
from factories import SETTINGS, TEAM

QUEUE = "it's a -queue/1"
HOSTILE = "$(reboot) `x` \"quoted\" 'single' & | ; < > \\ % ?#"
TAG, REGION, ODD = LabelRef("urgent"), LabelRef("eu=west", "region"), LabelRef(HOSTILE, "-key")

QUERIES = {
    "everything": CaseQuery(QUEUE),
    "one status": CaseQuery(QUEUE, (CaseStatus.FAILED,)),
    "two statuses": CaseQuery(QUEUE, (CaseStatus.FAILED, CaseStatus.PENDING)),
    "a tag": CaseQuery(QUEUE, labels=(TAG,)),
    "a label with two values": CaseQuery(QUEUE, labels=(REGION, LabelRef("us", "region"))),
    "labels with two keys": CaseQuery(QUEUE, labels=(TAG, REGION)),
    "an odd label": CaseQuery(QUEUE, labels=(ODD,)),
    "words": CaseQuery(QUEUE, search="broken printer"),
    "a search that begins with a dash": CaseQuery(QUEUE, search='-window "was broken"'),
    "odd words": CaseQuery(QUEUE, search=HOSTILE),
    "all of it": CaseQuery(QUEUE, (CaseStatus.FAILED,), (TAG,), "printer"),
    "what nothing has": CaseQuery(QUEUE, labels=(LabelRef("no"),)),
}
FOUND = {"everything": 5, "one status": 2, "two statuses": 5, "a tag": 2, "all of it": 1, "what nothing has": 0}


@pytest.fixture(scope="module")
def filled(new_database, servers):
    """An installation with five cases, two of which failed."""
    settings = Settings(database_url=new_database("filters"), redis_url=servers.redis, rate_limit_per_minute=0)
    casework = connect(settings)
    queue = queues.create(casework.db, TEAM, QUEUE)
    new = [
        NewCase("The printer was broken", labels=(TAG, REGION)),
        NewCase("A broken window", labels=(TAG,)),
        NewCase("Nothing", {"note": HOSTILE}, labels=(ODD,)),
        NewCase("printer", labels=(LabelRef("us", "region"),)),
        NewCase("Something"),
    ]
    ids = cases.create(casework.db, queue.id, new).value
    cases.settle(casework.db, SETTINGS, queue.id, ids[:1] + ids[3:4], CaseStatus.FAILED)
    yield casework
    casework.close()


@pytest.fixture(scope="module")
def api(filled):
    token = keys.create(filled.db, TEAM, "reader", Role.READER)[1]
    return TestClient(create_app(filled), headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def command(filled, monkeypatch):
    monkeypatch.setenv("CASEWORK_DATABASE_URL", filled.settings.database_url)
    monkeypatch.setenv("CASEWORK_REDIS_URL", filled.settings.redis_url)
    console.installation.cache_clear()
    yield lambda words: json.loads(CliRunner().invoke(app, words).output)
    console.installation().close()
    console.installation.cache_clear()


def on_the_page(filled, query):
    queue = queues.get(filled.db, TEAM, query.queue)
    found = listing.page(filled.db, Counts(), TEAM, queue.id, query.wanted, limit=50)
    return [str(case.id) for case in found.cases]


@pytest.mark.parametrize("name", QUERIES)
def test_page_api_and_command_find_the_same_cases(filled, api, command, name):
    query = QUERIES[name]
    expected = on_the_page(filled, query)
    method, path, body = query.http()
    answer = api.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    assert [case["id"] for case in answer.json()["cases"]] == expected
    words = shlex.split(query.cli())[1:]
    assert [case["id"] for case in command([*words[:2], "--json", *words[2:]])] == expected
    assert len(expected) == FOUND.get(name, len(expected) or -1)


@pytest.mark.parametrize("name", QUERIES)
def test_an_address_is_read_back_as_the_same_query(name):
    query = QUERIES[name]
    given = parse_qs(urlencode(query.parameters(), doseq=True))
    assert given.pop("queue") == [QUEUE]
    assert read_query(QUEUE, given) == query


@pytest.mark.parametrize("name", QUERIES)
def test_a_shell_reads_the_call_as_it_was_meant(name):
    query = QUERIES[name]
    method, path, body = query.http()
    curl, url, *rest = shlex.split(query.api_call("http://localhost:8080"))
    assert (curl, url) == ("curl", f"http://localhost:8080{path}")
    sent = json.loads(rest[1]) if rest[0] == "--json" else None
    assert (sent, "POST" if sent else "GET") == (body, method)


def test_an_act_by_command_takes_the_same_filters(filled, command):
    query = QUERIES["all of it"]
    words = shlex.split(query.cli("settle", "--status=completed", "--yes"))[1:]
    done = command([*words, "--json"])
    assert (len(done["settled"]), done["skipped"]) == (1, 0)


def test_refuses_a_status_that_does_not_exist():
    with pytest.raises(InvalidInput, match=r"unknown status 'faild'.*did you mean 'failed'"):
        read_query(QUEUE, {"status": ["faild"]})
