#!/usr/bin/env bash
# An MCP tool runs with its default if the model misspells the argument
#
# Version: mcp 2.3.0
# Guess:   An argument that the tool does not have is refused, as an argument of a wrong type is,
#          so the model can correct itself.
# Seen:    Unknown arguments are ignored, and the published schema does not set
#          additionalProperties to false, so a client cannot see it either. refund(case=7,
#          ammount=50) runs as refund(case=7) with amount's default.
# Source:  mcp, mcp/server/mcpserver/utilities/func_metadata.py, ArgModelBase (a pydantic model
#          without extra="forbid")
# Matters: Models misspell names of optional arguments. The tool reports a success, and the case
#          holds an amount that nobody asked for.
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
from mcp.server.mcpserver import MCPServer

logging.disable(logging.CRITICAL)
server = MCPServer("clerk")


@server.tool()
def refund(case: int, amount: int = 1000) -> str:
    return f"refunded {amount} on case {case}"


async def main():
    print("mcp", version("mcp"))
    async with Client(server) as client:
        schema = (await client.list_tools()).tools[0].input_schema
        print("additionalProperties in the schema:", schema.get("additionalProperties", "absent"))
        for arguments in ({"case": 7, "amount": 50}, {"case": 7, "ammount": 50}, {"case": 7, "amount": "fifty"}):
            result = await client.call_tool("refund", arguments)
            print(arguments, "->", "error" if result.is_error else result.content[0].text)


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
mcp 2.3.0
additionalProperties in the schema: absent
{'case': 7, 'amount': 50} -> refunded 50 on case 7
{'case': 7, 'ammount': 50} -> refunded 1000 on case 7
{'case': 7, 'amount': 'fifty'} -> error
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
