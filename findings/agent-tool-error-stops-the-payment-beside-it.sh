#!/usr/bin/env bash
# A tool that raises stops the payment beside it half-way, in Pydantic AI as in the OpenAI Agents
# SDK
#
# Version: pydantic-ai-slim 2.68.0, openai-agents 0.24.0, openai 3.57.0
# Guess:   Calls of one response are independent: those that have begun are finished before the run
#          fails, or they run one after another.
# Seen:    All calls start together. When one raises, the run fails at once and an async tool
#          beside it is cancelled in the middle: the money is taken and never booked. An ordinary
#          function beside it goes on in its thread after the run has failed, and nobody gets its
#          result.
# Source:  pydantic-ai, pull request 4502 "fix: cancel sibling tasks on any exception in parallel
#          tool execution"; both seen by running
# Matters: A queue tries the run again and the tool starts from the beginning: the money is taken
#          twice, booked once. Where one thinks of errors in tools at all, one thinks of the tool
#          that raised.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydantic-ai-slim==2.68.0 openai-agents==0.24.0 openai==3.57.0

cat >"$work/probe.py" <<'PY'
import asyncio
import os
import time
from importlib.metadata import version

from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool
from openai.types.responses import ResponseFunctionToolCall
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai import messages
from pydantic_ai.models.function import FunctionModel

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
NAMES = ("look_up", "pay", "print_letter")
done = []


async def look_up() -> str:
    await asyncio.sleep(0.3)
    raise RuntimeError("no such customer")


async def pay() -> str:
    done.append("money taken")
    await asyncio.sleep(1)
    done.append("money booked")
    return "paid"


def print_letter() -> str:
    time.sleep(1)
    done.append("letter printed")
    return "printed"


class AllAtOnce(Model):
    async def get_response(self, *args, **kwargs):
        calls = [ResponseFunctionToolCall(type="function_call", name=n, arguments="{}", call_id=n) for n in NAMES]
        return ModelResponse(output=calls, usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


async def report(package, run):
    done.clear()
    try:
        await run
    except Exception as error:
        print(package, version(package), "failed, at that moment:", sorted(done))
    await asyncio.sleep(1.5)
    print("  and later:", sorted(done))


async def main():
    calls = messages.ModelResponse(parts=[messages.ToolCallPart(name, {}) for name in NAMES])
    agent = PydanticAgent(FunctionModel(lambda history, info: calls), tools=[look_up, pay, print_letter])
    await report("pydantic-ai-slim", agent.run("Pay."))
    tools = [function_tool(tool, failure_error_function=None) for tool in (look_up, pay, print_letter)]
    await report("openai-agents", Runner.run(Agent(name="clerk", model=AllAtOnce(), tools=tools), "Pay."))


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
pydantic-ai-slim 2.68.0 failed, at that moment: ['money taken']
  and later: ['letter printed', 'money taken']
openai-agents 0.24.0 failed, at that moment: ['money taken']
  and later: ['letter printed', 'money taken']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
