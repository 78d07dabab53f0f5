#!/usr/bin/env bash
# An MCP tool with `text: str | None` refuses a text that happens to be a JSON object, and reads
# "null" as None
#
# Version: mcp 2.3.0
# Guess:   A string argument is taken as it is; the published schema says anyOf string, null.
# Seen:    Strings for any parameter that is not exactly `str` are first tried as JSON. '{"a":
#          1}' becomes a dict, which is no str: validation error. "null" becomes None. The same
#          values for `text: str` pass unchanged; numbers and "true" pass in both.
# Source:  mcp, mcp/server/mcpserver/utilities/func_metadata.py, FuncMetadata.pre_parse_json;
#          blockscout/mcp-server, issue 224 (met by an application)
# Matters: Agents hand over what they found: a log line, a payload, a note. Making the parameter
#          optional makes the tool fail for just those texts, and no retry of the model helps, as
#          the argument fits the schema.
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
def required(text: str) -> str:
    return f"got {text!r}"


@server.tool()
def optional(text: str | None = None) -> str:
    return f"got {text!r}"


async def main():
    print("mcp", version("mcp"))
    async with Client(server) as client:
        schema = next(tool for tool in (await client.list_tools()).tools if tool.name == "optional").input_schema
        print("schema:", schema["properties"]["text"]["anyOf"])
        for text in ('{"a": 1}', "[1]", "null", "true", "12"):
            for tool in ("required", "optional"):
                result = await client.call_tool(tool, {"text": text})
                answer = "error, " + result.content[0].text.split("\n")[2].split("[")[0].strip() if result.is_error else result.content[0].text
                print(f"{tool}(text={text!r}): {answer}")


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
mcp 2.3.0
schema: [{'type': 'string'}, {'type': 'null'}]
required(text='{"a": 1}'): got '{"a": 1}'
optional(text='{"a": 1}'): error, Input should be a valid string
required(text='[1]'): got '[1]'
optional(text='[1]'): error, Input should be a valid string
required(text='null'): got 'null'
optional(text='null'): got None
required(text='true'): got 'true'
optional(text='true'): got 'true'
required(text='12'): got '12'
optional(text='12'): got '12'
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
