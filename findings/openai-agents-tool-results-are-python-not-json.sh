#!/usr/bin/env bash
# The OpenAI Agents SDK sends a tool's dict to the model as Python text, not as JSON
#
# Version: openai-agents 0.24.0
# Guess:   Arguments come as JSON, so a dict or a list that the tool returns goes back as JSON.
# Seen:    The output is str(): {'open': True, 'owner': None} with single quotes, True and None. A
#          pydantic model becomes open=True owner=None, a Decimal in a dict Decimal('9.90').
# Source:  openai-agents, agents/items.py, ItemHelpers.tool_call_output_item (str(output))
# Matters: The text is what traces, logs and the stored conversation hold: a page or a report that
#          reads the results of tools with a JSON parser fails on each of them, and a test with a
#          tool that returns a string passes.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    openai-agents==0.24.0 openai==3.57.0

cat >"$work/probe.py" <<'PY'
import asyncio
import json
import os
from decimal import Decimal
from importlib.metadata import version

from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText
from pydantic import BaseModel

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"


class Case(BaseModel):
    open: bool
    owner: str | None


@function_tool
def as_dict():
    return {"open": True, "owner": None}


@function_tool
def as_model():
    return Case(open=True, owner=None)


@function_tool
def with_decimal():
    return [{"price": Decimal("9.90")}]


TOOLS = [as_dict, as_model, with_decimal]


class Caller(Model):
    async def get_response(self, system_instructions, input, *args, **kwargs):
        if isinstance(input, list) and len(input) > 1:
            self.outputs = [item["output"] for item in input if item.get("type") == "function_call_output"]
            text = ResponseOutputText(type="output_text", text="done", annotations=[])
            output = [ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[text])]
        else:
            output = [
                ResponseFunctionToolCall(type="function_call", name=tool.name, arguments="{}", call_id=tool.name)
                for tool in TOOLS
            ]
        return ModelResponse(output=output, usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


print("openai-agents", version("openai-agents"))
model = Caller()
asyncio.run(Runner.run(Agent(name="clerk", model=model, tools=TOOLS), "Look."))
for tool, output in zip(TOOLS, model.outputs, strict=True):
    try:
        json.loads(output)
        kind = "JSON"
    except ValueError:
        kind = "no JSON"
    print(f"{tool.name:13} {output:32} {kind}")
PY

cat >"$work/seen" <<'TXT'
openai-agents 0.24.0
as_dict       {'open': True, 'owner': None}    no JSON
as_model      open=True owner=None             no JSON
with_decimal  [{'price': Decimal('9.90')}]     no JSON
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
