"""The endpoint of the API in this process: behind a prefix, and for people who act through others."""

import asyncio

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette
from starlette.routing import Mount

from casework import events
from casework.api.app import create_app
from casework.api.middleware import RequestMiddleware
from casework.core.roles import Role
from factories import some_cases


def play(casework, token, scene, *, prefix="", mode="auto", **headers):
    """A scene with a client of the API in this process."""

    async def played():
        app = create_app(casework)
        served = Starlette(routes=[Mount(prefix, app)]) if prefix else app
        given = {"authorization": f"Bearer {token}", **headers}
        http = httpx2.AsyncClient(transport=httpx2.ASGITransport(served), headers=given)
        transport = streamable_http_client(f"http://testserver{prefix}/mcp", http_client=http)
        async with app.router.lifespan_context(app), http, Client(transport, mode=mode) as client:
            with anyio.fail_after(60):
                return await scene(client)

    return asyncio.run(played())


async def list_tools(client):
    return {tool.name for tool in (await client.list_tools()).tools}


def test_works_behind_a_prefix(models):
    token = models.key(Role.READER)
    for mode in ("auto", "legacy"):
        assert "get_case" in play(models.casework, token, list_tools, prefix="/tools", mode=mode)


def test_a_body_that_does_not_arrive_is_given_up(models):
    token = models.key(Role.READER)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/mcp",
        "raw_path": b"/mcp",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")],
    }
    sent = []

    async def receive():
        if not sent:
            await anyio.sleep_forever()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    async def played():
        app = create_app(models.casework)
        async with app.router.lifespan_context(app):
            with anyio.fail_after(60):
                await RequestMiddleware(app, body_seconds=0.1)(scope, receive, send)

    asyncio.run(played())
    assert sent[0]["status"] == 408


def test_the_history_says_for_whom_a_key_acts(models, queue):
    (id,) = some_cases(models.db, queue)
    token = models.key(Role.OPERATOR, "desk")

    async def settle(client):
        await client.call_tool("settle_case", {"case_id": str(id), "status": "completed"})

    play(models.casework, token, settle, **{"casework-person": "Ann"})
    assert models("get_case", case_id=str(id))["history"][-1]["by"] == "Ann"


def test_each_call_of_a_tool_is_an_event(models, queue):
    seen = []
    events.subscribe(seen.append)
    try:
        models("list_queues", models.key(Role.READER, "looks"))
        models.refused("queue_state", queue="nowhere")
    finally:
        events.unsubscribe(seen.append)
    found = [(one.tool, one.key, one.failed) for one in seen if isinstance(one, events.ToolCalled)]
    assert found == [("list_queues", "looks", False), ("queue_state", None, True)]
