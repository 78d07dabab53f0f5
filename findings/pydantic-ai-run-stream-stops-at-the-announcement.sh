#!/usr/bin/env bash
# run_stream() of Pydantic AI ends with "I am looking it up", where run() returns the answer
#
# Version: pydantic-ai-slim 2.62.0, pydantic 2.14.4
# Guess:   run() and run_stream() give the same result; the second one only shows it while it
#          comes.
# Seen:    If a response has a text and then a tool call, run() executes the tool and asks the
#          model again. run_stream() takes the text as the final output: the tool is executed, its
#          result is put into the history, and the model is never asked again. get_output() is the
#          announcement.
# Source:  pydantic-ai documentation, Agents, "Streaming Events and Final Output" (the first
#          output that matches ends the run); pydantic_ai/result.py
# Matters: Models like to say what they are going to do. The refund is made, and the case is
#          stored with "I am looking it up" as its result; with models that call tools without a
#          text it never happens.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydantic-ai-slim==2.62.0 pydantic==2.14.4

cat >"$work/probe.py" <<'PY'
import asyncio
from importlib.metadata import version

from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import DeltaToolCall, FunctionModel

ANNOUNCED, ANSWER = "I am looking it up.", "Order 7 was delivered."
asked = []


def whole(messages, info):
    asked.append(1)
    if len(messages) > 1:
        return ModelResponse(parts=[TextPart(ANSWER)])
    return ModelResponse(parts=[TextPart(ANNOUNCED), ToolCallPart("look", {})])


async def streamed(messages, info):
    asked.append(1)
    if len(messages) > 1:
        yield ANSWER
    else:
        yield ANNOUNCED
        yield {1: DeltaToolCall("look", "{}", tool_call_id="c1")}


agent, ran = Agent(FunctionModel(whole, stream_function=streamed)), []


@agent.tool_plain
def look() -> str:
    ran.append("look")
    return "delivered"


async def main():
    print("pydantic-ai", version("pydantic-ai-slim"))
    result = await agent.run("Where is order 7?")
    print("run:       ", repr(result.output), "tools:", ran, "calls of the model:", len(asked))
    ran.clear()
    asked.clear()
    async with agent.run_stream("Where is order 7?") as stream:
        output = await stream.get_output()
    print("run_stream:", repr(output), "tools:", ran, "calls of the model:", len(asked))


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
pydantic-ai 2.62.0
run:        'Order 7 was delivered.' tools: ['look'] calls of the model: 2
run_stream: 'I am looking it up.' tools: ['look'] calls of the model: 1
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
