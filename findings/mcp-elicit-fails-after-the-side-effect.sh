#!/usr/bin/env bash
# ctx.elicit() in an MCP tool fails on the connection that the SDK's own client negotiates by
# default
#
# Version: mcp 2.3.0
# Guess:   The SDK's server and client speak to each other: ctx.elicit() reaches a client that
#          gave an elicitation_callback; if the connection cannot carry it, the tool is refused
#          when it is called.
# Seen:    The default protocol 2026-07-28 has no back channel. The tool runs up to ctx.elicit()
#          and fails there with NoBackChannelError, although the client can elicit.
#          Client(mode="legacy") (2025-11-25) works.
# Source:  mcp, mcp/shared/exceptions.py, NoBackChannelError
# Matters: Approval by elicitation is the human-in-the-loop of MCP. After an upgrade everything
#          before the question is done on each call and the question is never asked.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    mcp==2.3.0

cat >"$work/probe.py" <<'PY'
import asyncio
import logging
from importlib.metadata import version

from mcp import Client
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ElicitResult
from pydantic import BaseModel

logging.disable(logging.CRITICAL)
server, done = MCPServer("clerk"), []


class Approval(BaseModel):
    ok: bool


@server.tool()
async def pay(ctx: Context) -> str:
    done.append("money reserved")
    answer = await ctx.elicit("pay 10?", Approval)
    return f"{answer.action}: paid"


async def approve(*args):
    return ElicitResult(action="accept", content={"ok": True})


async def main():
    print("mcp", version("mcp"))
    for mode in ({}, {"mode": "legacy"}):
        done.clear()
        async with Client(server, elicitation_callback=approve, **mode) as client:
            try:
                result = (await client.call_tool("pay")).content[0].text
            except Exception as error:
                result = type(error).__name__
            print(mode or "default", client.protocol_version, "->", result, done)


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
mcp 2.3.0
default 2026-07-28 -> NoBackChannelError ['money reserved']
{'mode': 'legacy'} 2025-11-25 -> accept: paid ['money reserved']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
