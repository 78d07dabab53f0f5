#!/usr/bin/env bash
# asyncio.CancelledError raised inside an openai-agents tool is told to the model as a tool error
#
# Version: openai-agents 0.24.0, openai 3.3.0
# Guess:   CancelledError is a BaseException; the library turns exceptions of a tool into text
#          for the model, but a cancellation passes through and ends the run.
# Seen:    The model receives "An error occurred while running the tool. Please try again." and
#          the run completes normally. Any other BaseException of one's own comes out of
#          Runner.run.
# Source:  openai-agents, agents/tool.py, _FunctionToolCancelledError and
#          default_tool_error_function
# Matters: A tool that notices that its job was withdrawn (lease lost, time-out of an inner
#          scope) cancels itself to stop the work; the agent is asked to try again instead.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    openai-agents==0.24.0 openai==3.3.0

cat >"$work/probe.py" <<'PY'
import asyncio
from importlib.metadata import version

from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText


class LeaseLost(BaseException):
    pass


@function_tool
async def cancelled() -> str:
    raise asyncio.CancelledError


@function_tool
async def lease_lost() -> str:
    raise LeaseLost


class Scripted(Model):
    def __init__(self, tool):
        call = ResponseFunctionToolCall(type="function_call", name=tool, call_id="1", arguments="{}")
        text = ResponseOutputText(type="output_text", text="all done", annotations=[])
        message = ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[text])
        self.turns = iter([call, message])

    async def get_response(self, system_instructions, input, *args, **kwargs):
        if isinstance(input, list) and input[-1].get("type") == "function_call_output":
            print("  the model reads:", input[-1]["output"])
        return ModelResponse(output=[next(self.turns)], usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


async def main():
    print("openai-agents", version("openai-agents"))
    for tool in (cancelled, lease_lost):
        print(tool.name)
        try:
            result = await Runner.run(Agent(name="clerk", model=Scripted(tool.name), tools=[tool]), "go")
            print("  the run ends with:", result.final_output)
        except BaseException as error:
            print("  the run raises:", type(error).__name__)


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
openai-agents 0.24.0
cancelled
  the model reads: An error occurred while running the tool. Please try again.
  the run ends with: all done
lease_lost
  the run raises: LeaseLost
TXT

cd "$work"
OPENAI_AGENTS_DISABLE_TRACING=1 venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
