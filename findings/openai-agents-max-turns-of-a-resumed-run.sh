#!/usr/bin/env bash
# A higher max_turns on resuming an openai-agents run is ignored, after the approved tool has run
#
# Version: openai-agents 0.24.0, openai 3.3.0
# Guess:   Runner.run(agent, state, max_turns=9) allows nine turns; or, if the stored limit
#          counts, it is checked before anything is executed.
# Seen:    The limit stored in the state (1) wins without a word. The approved tool is executed
#          first and MaxTurnsExceeded is raised afterwards, on each resume of that state: the
#          side effect is there, the run cannot get further.
# Source:  openai-agents, agents/run.py, AgentRunner.run (max_turns = run_state._max_turns for a
#          RunState)
# Matters: A run that waits for a person is resumed later and often with a raised limit. A queue
#          that retries the failed resume repeats the approved side effect every time.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    openai-agents==0.24.0 openai==3.3.0

cat >"$work/probe.py" <<'PY'
import asyncio
from importlib.metadata import version

from agents import Agent, MaxTurnsExceeded, Model, ModelResponse, Runner, RunState, Usage, function_tool
from openai.types.responses import ResponseFunctionToolCall

paid = []


@function_tool(needs_approval=True)
def pay() -> str:
    paid.append("paid")
    return "done"


class Scripted(Model):
    async def get_response(self, *args, **kwargs):
        wish = ResponseFunctionToolCall(type="function_call", name="pay", call_id="1", arguments="{}")
        return ModelResponse(output=[wish], usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


async def main():
    print("openai-agents", version("openai-agents"))
    agent = Agent(name="clerk", model=Scripted(), tools=[pay])
    result = await Runner.run(agent, "pay the invoice", max_turns=1)
    print("waits for approval of:", [item.name for item in result.interruptions])
    stored = result.to_state().to_string()
    for attempt in (1, 2):
        state = await RunState.from_string(agent, stored)
        state.approve(state.get_interruptions()[0])
        try:
            await Runner.run(agent, state, max_turns=9)
        except MaxTurnsExceeded as error:
            print(f"resume {attempt} with max_turns=9: {error}; {paid}")


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
openai-agents 0.24.0
waits for approval of: ['pay']
resume 1 with max_turns=9: Max turns (1) exceeded; ['paid']
resume 2 with max_turns=9: Max turns (1) exceeded; ['paid', 'paid']
TXT

cd "$work"
OPENAI_AGENTS_DISABLE_TRACING=1 venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
