#!/usr/bin/env bash
# To an MCP client a list of one looks like its item, and an empty list like nothing at all
#
# Version: mcp 2.3.0
# Guess:   A tool without a return annotation that returns a list sends it as JSON text: "[]" for
#          nothing found.
# Seen:    Each item becomes a content block of its own, without brackets: [case] and case are the
#          same, [] and None are both a result with no content, and [[1, 2], [3]] is three blocks.
#          structured_content, which keeps the list, is there only with an annotated return type,
#          and the text beside it is split all the same.
# Source:  mcp, mcp/server/mcpserver/utilities/func_metadata.py, _convert_to_content
# Matters: Hosts hand the content to the model. "Found nothing" arrives as an empty message, and
#          code that reads content[0] fails at the first search without a hit, or takes the first
#          case for all of them.
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
RESULTS = {"item": {"id": 7}, "one": [{"id": 7}], "none": [], "nothing": None, "nested": [[1, 2], [3]]}


@server.tool()
def find(which: str):
    return RESULTS[which]


@server.tool()
def find_annotated(which: str) -> list[dict[str, int]]:
    return RESULTS[which]


async def main():
    print("mcp", version("mcp"))
    async with Client(server) as client:
        for tool, names in (("find", RESULTS), ("find_annotated", ["one", "none"])):
            for which in names:
                result = await client.call_tool(tool, {"which": which})
                texts = [" ".join(block.text.split()) for block in result.content]
                print(f"{tool}: {RESULTS[which]!r} gives {texts}, structured: {result.structured_content}")


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
mcp 2.3.0
find: {'id': 7} gives ['{ "id": 7 }'], structured: None
find: [{'id': 7}] gives ['{ "id": 7 }'], structured: None
find: [] gives [], structured: None
find: None gives [], structured: None
find: [[1, 2], [3]] gives ['1', '2', '3'], structured: None
find_annotated: [{'id': 7}] gives ['{ "id": 7 }'], structured: {'result': [{'id': 7}]}
find_annotated: [] gives [], structured: {'result': []}
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
