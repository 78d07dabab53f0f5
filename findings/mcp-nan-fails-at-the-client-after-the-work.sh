#!/usr/bin/env bash
# An MCP tool that returns NaN has done its work, and the client raises RuntimeError
#
# Version: mcp 2.3.0
# Guess:   A float that JSON cannot hold is refused by the server as a tool error, which the model
#          sees (is_error), or it arrives as null.
# Seen:    The server takes NaN for a number, sends null, and reports success. The client checks
#          the result against the published schema and raises RuntimeError out of call_tool
#          ("Invalid structured content"): neither an error result nor an MCPError. The result
#          cannot be read.
# Source:  mcp, mcp/client/session.py, the check that raises "Invalid structured content returned
#          by tool"; mcp/server/mcpserver/utilities/func_metadata.py, convert_result
#          (model_dump(mode="json"))
# Matters: An average over no rows is NaN in numpy and pandas. The tool's effect is made, the
#          agent's process sees a RuntimeError, and the retry makes the effect again.
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
server, closed = MCPServer("clerk"), []


@server.tool()
def close_and_rate(case: int) -> float:
    closed.append(case)
    return float("nan") if case == 8 else 4.5


@server.tool()
def close(case: int) -> float:
    raise ValueError("no such case")


async def main():
    print("mcp", version("mcp"))
    async with Client(server) as client:
        for tool, case in (("close_and_rate", 7), ("close", 7), ("close_and_rate", 8)):
            try:
                result = await client.call_tool(tool, {"case": case})
                outcome = f"is_error={result.is_error}, {result.structured_content}"
            except Exception as error:
                outcome = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            print(f"{tool}({case}) -> {outcome}; closed: {closed}")


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
mcp 2.3.0
close_and_rate(7) -> is_error=False, {'result': 4.5}; closed: [7]
close(7) -> is_error=True, None; closed: [7]
close_and_rate(8) -> RuntimeError: Invalid structured content returned by tool close_and_rate: None is not of type 'number'; closed: [7, 8]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
