#!/usr/bin/env bash
# The request id that an MCP tool sees is the same for each client
#
# Version: mcp 2.3.0
# Guess:   ctx.request_id names the request: a tool can use it as a key that makes a repeated call
#          harmless.
# Seen:    The client counts its requests from the start of each connection. Two clients that do
#          the same thing send the same ids, and so does one client that has reconnected; the same
#          call repeated on one connection has another id.
# Source:  mcp, mcp/server/mcpserver/context.py, Context.request_id; MCP specification, Base
#          protocol (the id is unique for one requestor within one session)
# Matters: As an idempotency key it does the opposite of what it is for: the second customer's
#          order is dropped as a repetition of the first one's, and a real repetition is executed.
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

logging.disable(logging.CRITICAL)
server, known = MCPServer("clerk"), set()


@server.tool()
async def order(item: str, ctx: Context) -> str:
    if ctx.request_id in known:
        return "ignored as a repetition"
    known.add(ctx.request_id)
    return "ordered"


async def main():
    print("mcp", version("mcp"))
    for customer, items in (("Ann", ["pen", "pen"]), ("Bob", ["desk"])):
        async with Client(server) as client:
            for item in items:
                result = await client.call_tool("order", {"item": item})
                print(f"{customer} orders a {item}: {result.content[0].text}")


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
mcp 2.3.0
Ann orders a pen: ordered
Ann orders a pen: ordered
Bob orders a desk: ignored as a repetition
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
