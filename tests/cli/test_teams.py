"""Commands work for one team: another team's things are not listed, and cannot be named."""

from uuid import UUID

import pytest

from casework.cli import console
from casework.core.effects import RunMessage
from casework.core.model import RunId
from factories import work


@pytest.fixture
def ids(casework, monkeypatch):
    """One of everything, of a team that the commands do not work for."""
    queue = casework.json("queues", "create", "inbox")["id"]
    agent = casework.json("agents", "create", "asker", "--python", "sample_agents:asks")["id"]
    casework("consumers", "set", "inbox", "asker")
    case = casework.json("cases", "add", "inbox", "theirs")["id"]
    casework("tick")
    (run,) = casework.json("runs", "list")
    work(console.installation().db, RunMessage(RunId(UUID(run["id"])), 1))
    (request,) = casework.json("requests", "list")
    casework("keys", "create", "theirs", "--role", "admin")
    (key,) = casework.json("keys", "list")
    casework("keys", "create", "ours", "--role", "reader", "--team", "others")
    console.installation().close()
    console.installation.cache_clear()
    monkeypatch.setenv("CASEWORK_TEAM", "others")
    return {"queue": queue, "agent": agent, "case": case, "run": run["id"], "request": request["id"], "key": key["id"]}


def test_lists_hold_nothing_of_another_team(casework, ids):
    for name in ("queues", "agents", "runs", "requests"):
        assert casework.json(name, "list") == []
    (key,) = casework.json("keys", "list")
    assert key["name"] == "ours"
    found = casework("doctor")[1]
    assert "others" not in found
    assert not any(word in found for word in ("inbox", "asker", "theirs", *ids.values()))


OF_ANOTHER = [
    *(f"queues {act} {{queue}}" for act in ("show", "pause", "resume", "delete --yes", "drain")),
    "cases list {queue}",
    "cases add {queue} title",
    *(f"cases {act} {{case}}" for act in ("show", "explain", "watch", "retry", "settle", "delete")),
    "cases edit {case} --title mine",
    "cases delegate {case} --to {agent}",
    "consumers list {queue}",
    "consumers set {queue} {agent}",
    "consumers remove {queue} {agent}",
    "agents delete {agent}",
    "runs list --queue {queue}",
    *(f"runs {act} {{run}}" for act in ("show", "messages", "stop")),
    "requests list --queue {queue}",
    *(f"requests {act} {{request}}" for act in ("show", "approve", "deny", "answer {request} yes")),
    "keys rotate {key}",
    "keys revoke {key}",
]


def test_another_teams_ids_are_not_there(casework, ids):
    for line in OF_ANOTHER:
        words = line.replace("answer {request} yes {request}", "answer {request} yes").format(**ids).split()
        for id in set(ids.values()).intersection(words):
            for shown in (id, id[-8:]):
                code, said = casework(*(shown if word == id else word for word in words))
                assert code != 0, (line, said)
                assert "theirs" not in said
                assert "There is no" in said or "no" in said.lower(), (line, said)
