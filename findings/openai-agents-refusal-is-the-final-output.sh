#!/usr/bin/env bash
# A tool call that a person has rejected is the final output of an OpenAI Agents run with
# stop_on_first_tool
#
# Version: openai-agents 0.24.0
# Guess:   tool_use_behavior="stop_on_first_tool" takes the first result of a tool as the output.
#          A rejected call has no result: the model is asked what to do, or final_output stays
#          None.
# Seen:    The run ends with final_output "Tool execution was not approved." (or the
#          rejection_message), and the model is not asked. Nothing on the result says that the
#          tool did not run.
# Source:  openai-agents, agents/run_internal/turn_resolution.py and tool_execution.py (the
#          rejection is put among the tool results that tool_use_behavior looks at); seen by
#          running
# Matters: The worker stores final_output as the case's result and closes it. The refused refund
#          is a completed case whose result happens to be an English sentence.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    openai-agents==0.24.0 openai==3.57.0

cat >"$work/probe.py" <<'PY'
import asyncio
import os
from importlib.metadata import version

from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool
from openai.types.responses import ResponseFunctionToolCall

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"


class OneCall(Model):
    calls = 0

    async def get_response(self, *args, **kwargs):
        self.calls += 1
        call = ResponseFunctionToolCall(type="function_call", name="refund", arguments='{"amount": 50}', call_id="c1")
        return ModelResponse(output=[call], usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


ran = []


@function_tool(needs_approval=True)
def refund(amount: int) -> str:
    ran.append(amount)
    return f"refunded {amount}"


async def main():
    print("openai-agents", version("openai-agents"))
    for message in (None, "The customer has been refunded before."):
        model = OneCall()
        agent = Agent(name="clerk", model=model, tools=[refund], tool_use_behavior="stop_on_first_tool")
        result = await Runner.run(agent, "Refund order 7.")
        state = result.to_state()
        state.reject(result.interruptions[0], rejection_message=message)
        result = await Runner.run(agent, state)
        print(f"refunded: {ran}, calls of the model: {model.calls}, open: {len(result.interruptions)}")
        print("  final output:", repr(result.final_output))


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
openai-agents 0.24.0
refunded: [], calls of the model: 1, open: 0
  final output: 'Tool execution was not approved.'
refunded: [], calls of the model: 1, open: 0
  final output: 'The customer has been refunded before.'
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
