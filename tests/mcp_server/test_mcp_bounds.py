"""Results that fit into a model's context, whatever is stored; and errors of one line, whatever is broken."""

import subprocess
import sys
from dataclasses import replace

import pytest
from mcp.shared.exceptions import MCPError

from casework.agents.stop import Suspended
from casework.core.model import DEFAULT_TEAM, LabelRef, NewCase
from casework.core.requests import Action, Placed, Request
from casework.mcp import caller
from casework.mcp.server import McpServer
from casework.mcp.waits import Waits
from casework.service import cases, pull, requests
from casework.store.database import Database

MOST = 150_000
"""Characters of a result: some tens of thousands of tokens."""


def size(result):
    return len(str(result))


@pytest.fixture
def huge(models, queue, robot):
    """A page of cases that are as large as they may be, of which one asks as much as it may."""
    labels = tuple(LabelRef("v" * 200, f"{number:03}" + "k" * 197) for number in range(50))
    new = [NewCase("t" * 500, {"text": "x" * (300_000 if first else 300)}, labels) for first in [True] + 49 * [False]]
    cases.create(models.db, queue.id, new)
    claim = models("claim_case", robot)["claim"]
    run_id, _, attempt = claim.partition(".")
    backend = pull.backend(models.db, models.casework.settings, DEFAULT_TEAM, run_id, int(attempt), lambda _: None)
    for number in range(30):
        backend.say("text", {"text": "m" * 50_000}, str(number))
    backend.record_step("step", f'"{"s" * 50_000}"')
    action = Action(name="pay", arguments={"to": "a" * 90_000}, schema={"type": "object", "description": "d" * 10_000})
    asked = Request(kind="approval", title="q" * 2000, description="d" * 90_000, action=action)
    options = Request(title="which?", options=[f"{number} " + "o" * 100 for number in range(500)])
    wait = Suspended(Placed(asked), *(Placed(options) for _ in range(24)))
    pull.ask(models.db, models.casework.settings, DEFAULT_TEAM, run_id, int(attempt), wait)
    return requests.find(models.db, DEFAULT_TEAM)


def test_every_result_is_bounded(models, huge, robot):
    case_id = str(huge[0].case_id)
    assert size(models("search_cases", queue="inbox", limit=50)) < MOST
    assert size(models("get_case", case_id=case_id)) < MOST
    assert size(models("list_requests", limit=50)) < MOST
    assert size(models("list_requests", request_id=str(huge[0].id))) < MOST
    assert size(models("list_requests", request_id=str(huge[1].id))) < MOST
    assert size(models("answer_request", request_id=str(huge[0].id), decision="approve")) < MOST
    for request in huge[1:]:
        models("answer_request", request_id=str(request.id), value=request.options[0])
    assert size(models("claim_case", robot)) < MOST


def test_says_how_much_was_left_out(models, huge):
    shown = models("list_requests", request_id=str(huge[1].id))["requests"][0]
    assert shown["options"][-1].endswith(" more options]")
    (case, *_) = models("search_cases", queue="inbox", limit=1)["cases"]
    assert case["labels"] == [case["labels"][0], "[49 more labels]"]
    assert models("get_case", case_id=str(huge[0].case_id))["messages"][-1]["text"].endswith(" more characters]")


def test_an_error_does_not_name_the_database_that_is_away(models):
    nowhere = Database("postgresql://secret:word@127.0.0.1:1/nowhere")
    away = replace(models.casework, db=nowhere)

    async def at_home(_):
        return caller.at_home(away)

    async def scene(client):
        with pytest.raises(MCPError) as caught:
            await client.call_tool("list_queues", {})
        return str(caught.value)

    said = models.run(scene, server=McpServer(nowhere, at_home, Waits(1)).sdk)
    assert said == "The database does not answer. Try again in a moment."


def test_an_unexpected_error_is_logged_and_not_shown(models, caplog):
    async def broken(_):
        return replace(caller.at_home(models.casework), reads=None)

    async def scene(client):
        return await client.call_tool("list_queues", {})

    result = models.run(scene, server=McpServer(models.db, broken, Waits(1)).sdk)
    assert result.is_error
    assert "NoneType" not in result.content[0].text
    assert "mcp.error" in caplog.text


WITHOUT = "import sys; sys.modules['mcp'] = None; "


def test_the_command_says_which_extra_is_missing():
    code = f"{WITHOUT} sys.argv = ['casework', 'mcp']; from casework.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip() == "error: `casework mcp` needs an extra: pip install 'casework[mcp]'."


@pytest.mark.slow
def test_the_api_serves_without_the_extra():
    code = f"""
{WITHOUT}
from fastapi.testclient import TestClient
from casework.api.app import create_app
from casework.settings import Settings
from casework.store.database import Database
from casework.wiring import Casework
casework = Casework(Settings(), Database("postgresql://127.0.0.1:1/nowhere"), None)
casework.__dict__["publisher"] = type("Publisher", (), {{"url": "redis://127.0.0.1:1"}})
with TestClient(create_app(casework)) as client:
    assert client.get("/healthz").status_code == 200
    assert client.post("/mcp", json={{}}).status_code == 404
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
