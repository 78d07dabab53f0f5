"""MCP where processes are the point: `casework mcp`, and API processes that come and go."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from mcp_types.version import LATEST_HANDSHAKE_VERSION

from casework.core.model import DEFAULT_TEAM, AgentKind, CaseFilter
from casework.core.roles import Role
from casework.service import agents, cases, keys, requests
from casework.service.listing import Counts, page
from factories import work_all, worked_queue
from mcp_server.conversing import FOLLOWS, begin, fills_in, task, until
from patience import PATIENCE, wait_for

pytestmark = pytest.mark.process

MODES = [pytest.param("auto", marks=pytest.mark.quick), "legacy"]


def play(scene):
    async def played():
        with anyio.fail_after(PATIENCE):
            return await scene()

    return asyncio.run(played())


def key(installation, role=Role.ADMIN, name="k"):
    return keys.create(installation.db, DEFAULT_TEAM, name, role)[1]


@asynccontextmanager
async def started(installation, log, token=None, **options):
    """A client that starts `casework mcp`."""
    environment = {**installation.environment, **({"CASEWORK_API_KEY": token} if token else {})}
    parameters = StdioServerParameters(command=sys.executable, args=["-m", "casework", "mcp"], env=environment)
    with log.open("w") as errors:
        async with Client(stdio_client(parameters, errlog=errors), **options) as client:
            yield client


@asynccontextmanager
async def connected(port, token, **options):
    """A client of an API process."""
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
        transport = streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)
        async with Client(transport, **options) as client:
            yield client


def logged(installation):
    return "".join(file.read_text() for file in sorted(installation.logs.glob("*.log")))


def case_count(installation, queue):
    return page(installation.db, Counts(), DEFAULT_TEAM, queue.id, CaseFilter(), limit=1).total


@pytest.mark.parametrize("mode", MODES)
def test_stdio_serves_a_client_of_either_version(installation, mode, tmp_path):
    worked_queue(installation.db)

    async def scene():
        async with started(installation, tmp_path / "errors", mode=mode) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            added = await client.call_tool("work_case", {"queue": "inbox", "title": "one\n\x1b[2J", "wait_seconds": 0})
            wrong = await client.call_tool("get_case", {"case_id": "x"})
            return names, added.structured_content, wrong

    names, added, wrong = play(scene)
    assert len(names) == 17
    assert cases.get(installation.db, DEFAULT_TEAM, added["case_id"])[0].title == "one\n\x1b[2J"
    assert wrong.is_error
    assert (tmp_path / "errors").read_text() == ""


def test_stdio_has_the_rights_of_its_key(installation, tmp_path):
    worked_queue(installation.db)

    async def scene(token):
        async with started(installation, tmp_path / "errors", token) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            refused = await client.call_tool("settle_case", {"case_id": "0" * 36, "status": "failed"})
            return names, refused

    names, refused = play(lambda: scene(key(installation, Role.READER)))
    assert "get_case" in names
    assert "settle_case" not in names
    assert refused.content[0].text == ("The tool settle_case is not for this key of role reader: it may not operate.")


def test_stdio_refuses_a_wrong_key_in_one_line(installation):
    installation.environment["CASEWORK_API_KEY"] = "cw_0000000000000000_" + "a" * 43
    done = installation.command("mcp", input="")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "A valid API key is needed" in done.stderr


BROKEN = [
    "not json",
    "[]",
    "{}",
    '{"jsonrpc":"2.0","id":1}',
    '{"jsonrpc":"2.0","id":2,"method":"nothing"}',
    '"\\ud800"',
]


def test_standard_output_holds_the_protocol_only(installation):
    hello = {
        "jsonrpc": "2.0",
        "id": 3,
        "method": "initialize",
        "params": {
            "protocolVersion": LATEST_HANDSHAKE_VERSION,
            "capabilities": {},
            "clientInfo": {"name": "raw", "version": "1"},
        },
    }
    call = {
        "jsonrpc": "2.0",
        "id": 4,
        "method": "tools/call",
        "params": {"name": "list_queues", "arguments": {"a\0": 1}},
    }
    lines = [*BROKEN, json.dumps(hello), '{"jsonrpc":"2.0","method":"notifications/initialized"}', json.dumps(call)]
    answers = {}
    with subprocess.Popen(
        [sys.executable, "-m", "casework", "mcp"],
        env=installation.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdin.write("".join(f"{line}\n" for line in lines))
        process.stdin.flush()
        while 4 not in answers:
            answer = json.loads(process.stdout.readline())
            answers[answer.get("id")] = answer
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
        errors = process.stderr.read()
    assert answers[3]["result"]["protocolVersion"] == LATEST_HANDSHAKE_VERSION
    assert answers[4]["result"]["isError"] is True
    assert "Traceback" not in errors


@pytest.mark.parametrize("mode", MODES)
def test_http_serves_a_client_of_either_version(installation, mode):
    worked_queue(installation.db)
    port, _ = installation.api()

    async def scene():
        async with connected(port, key(installation), mode=mode) as client:
            await client.list_tools()
            done = await client.call_tool("work_case", {"queue": "inbox", "title": "one", "wait_seconds": 0})
            return client.protocol_version, done.structured_content

    version, found = play(scene)
    assert version == ("2026-07-28" if mode == "auto" else "2025-11-25")
    assert found["status"] == "pending"
    assert "Traceback" not in logged(installation)


@pytest.mark.quick
def test_http_checks_who_sends_what_from_where(installation):
    port, _ = installation.api()
    good = {"authorization": f"Bearer {key(installation)}", "accept": "application/json, text/event-stream"}
    ping = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=good) as http:
        assert http.post("/mcp", json=ping).status_code == 200
        assert http.post("/mcp/", json=ping).status_code == 200
        for wrong in ("Bearer cw_0000000000000000_" + "a" * 43, "Basic abc", ""):
            refused = http.post("/mcp", json=ping, headers={"authorization": wrong})
            assert (refused.status_code, refused.json()["error"]) == (401, "unauthorized")
            assert refused.headers["www-authenticate"] == "Bearer"
        refused = http.post("/mcp", json=ping, headers={"origin": "https://evil.example"})
        assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")
        for method in ("GET", "DELETE", "PUT"):
            refused = http.request(method, "/mcp")
            assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
        large = {**ping, "params": {"text": "x" * 2**20}}
        assert http.post("/mcp", json=large).status_code == 413
        assert http.post("/mcp", content=iter([b"x" * 2**20, b"x" * 2**20])).status_code == 413
        for body in (b"not json", b"[]", b"[" * 100_000, b'{"a": NaN}', b"\xff", b"1" * 10_000):
            for version in ({}, {"mcp-protocol-version": "2026-07-28"}, {"mcp-protocol-version": "1999-01-01"}):
                headers = {"content-type": "application/json", **version}
                assert 400 <= http.post("/mcp", content=body, headers=headers).status_code < 500
    assert "Traceback" not in logged(installation)


def test_http_permits_pages_that_the_settings_name(installation):
    installation.environment["CASEWORK_CORS_ORIGINS"] = "https://app.example"
    port, _ = installation.api()
    headers = {
        "authorization": f"Bearer {key(installation)}",
        "accept": "application/json, text/event-stream",
        "origin": "https://app.example",
    }
    ping = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = httpx2.post(f"http://127.0.0.1:{port}/mcp", json=ping, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"


def test_a_parked_task_survives_the_api_and_goes_on_in_another_process(installation):
    worked_queue(installation.db, "sample_agents:asks")
    token = key(installation)
    first, process = installation.api()

    async def park():
        async with connected(first, token, **FOLLOWS) as client:
            begun = await begin(client, queue="inbox", title="one")
            await work_soon(installation)
            return begun["taskId"]

    task_id = play(park)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (second, _), (third, _) = installation.api(), installation.api()

    async def resume():
        options = {"elicitation_callback": fills_in(), **FOLLOWS}
        async with connected(second, token, **options) as here, connected(third, token, **options) as there:
            for content in ({"answer": "red"}, {"decision": "approve"}):
                asked = await until(here, task_id, "input_required")
                given = {request: {"action": "accept", "content": content} for request in asked["inputRequests"]}
                await task(there, "update", task_id, given)
                await work_soon(installation)
            return await until(there, task_id, "completed")

    assert play(resume)["result"]["structuredContent"]["status"] == "completed"
    assert "Traceback" not in logged(installation)


def test_a_question_of_one_process_is_answered_through_another(installation):
    """What the client carries from round to round is sealed with the installation's secret, and not the process's."""
    queue, _ = worked_queue(installation.db, "sample_agents:asks")
    token = key(installation)
    (first, process), (second, _) = installation.api(), installation.api()
    arguments = {"queue": "inbox", "title": "one", "wait_seconds": 3}

    async def call(port, token, arguments, **more):
        async with connected(port, token, elicitation_callback=fills_in()) as client:
            try:
                return await client.session.call_tool("work_case", arguments, allow_input_required=True, **more)
            except MCPError as error:
                return error

    async def ask():
        async with anyio.create_task_group() as group:
            group.start_soon(work_soon, installation)
            return await call(first, token, arguments)

    asked = play(ask)
    os.kill(process.pid, signal.SIGKILL)
    (request,) = asked.input_requests
    answer = {"action": "accept", "content": {"answer": "red"}}
    given = {"input_responses": {request: answer}, "request_state": asked.request_state}
    for stranger, changed in ((token, {**arguments, "title": "two"}), (key(installation, name="other"), arguments)):
        assert play(lambda who=stranger, what=changed: call(second, who, what, **given)).code == INVALID_PARAMS
    assert requests.get(installation.db, DEFAULT_TEAM, request).status == "pending"
    for _ in range(2):
        found = play(lambda: call(second, token, arguments, **given))
        assert found.structured_content["status"] == "pending"
    assert requests.get(installation.db, DEFAULT_TEAM, request).answer == "red"
    assert case_count(installation, queue) == 1
    assert "Traceback" not in logged(installation)


async def work_soon(installation):
    """The API's own claim may hold the consumer for a moment: nothing is ready for others until it finds no free slot."""
    while not await anyio.to_thread.run_sync(work_all, installation.db):
        await anyio.sleep(0.01)


def test_a_cancelled_wait_ends_at_the_server_and_loses_nothing(installation):
    queue, _ = worked_queue(installation.db)
    agents.create(installation.db, installation.settings, DEFAULT_TEAM, "robot", kind=AgentKind.PULL)
    installation.environment["CASEWORK_API_WAITING_CLAIMS"] = "1"
    port, _ = installation.api()
    probe = {"agent": "robot", "wait_seconds": 1}

    async def scene():
        async with connected(port, key(installation)) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "work_case", {"queue": "inbox", "title": "1", "wait_seconds": 50})
                await anyio.to_thread.run_sync(added)
                meanwhile = await client.call_tool("work_case", {"queue": "inbox", "title": "2", "wait_seconds": 50})
                refused = await client.call_tool("claim_case", probe)
                group.cancel_scope.cancel()
            while (await client.call_tool("claim_case", probe)).is_error:
                await anyio.sleep(0.02)
            return meanwhile, refused

    def added():
        wait_for(lambda: case_count(installation, queue) == 1, "the case to be there")

    meanwhile, refused = play(scene)
    assert meanwhile.structured_content["status"] == "pending"
    assert "waiting already" in refused.content[0].text
    assert case_count(installation, queue) == 2
    assert "Traceback" not in logged(installation)


def test_calls_that_wait_are_answered_when_the_api_stops(installation):
    queue, _ = worked_queue(installation.db)
    port, process = installation.api()

    async def scene():
        async with connected(port, key(installation)) as client:
            # The client looks up the schema of a result once: not when the API is gone.
            await client.list_tools()
            async with anyio.create_task_group() as group:
                group.start_soon(stop)
                return await client.call_tool("work_case", {"queue": "inbox", "title": "one", "wait_seconds": 50})

    async def stop():
        await anyio.to_thread.run_sync(wait_for, lambda: case_count(installation, queue) == 1, "the case to be there")
        process.send_signal(signal.SIGTERM)

    assert play(scene).structured_content["status"] == "pending"
    assert process.wait(PATIENCE) in (0, -signal.SIGTERM)
    assert "Traceback" not in logged(installation)
