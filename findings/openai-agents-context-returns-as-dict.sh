#!/usr/bin/env bash
# A dataclass context of an openai-agents run comes back from a stored state as a dict, and any
# other object as {}
#
# Version: openai-agents 0.24.0, openai 3.3.0
# Guess:   RunState.from_string() restores the type that it stored, or refuses and asks for the
#          context.
# Seen:    It goes on with a log line only. A tool that is annotated RunContextWrapper[Ctx]
#          receives {'who': 'Ann'} for a dataclass and {} for an ordinary class, and its first
#          attribute access fails, or, with .get(), finds nothing.
# Source:  openai-agents, agents/run_state.py, RunState.to_json and from_json
#          (context_serializer, context_deserializer, context_override, strict_context)
# Matters: The context carries the tenant, the user and the connections. A tool that runs after
#          an approval works on an empty context while the same tool worked before the pause.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    openai-agents==0.24.0 openai==3.3.0

cat >"$work/probe.py" <<'PY'
import asyncio
from dataclasses import dataclass
from importlib.metadata import version

from agents import Agent, Model, ModelResponse, Runner, RunContextWrapper, RunState, Usage, function_tool
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText


@dataclass
class Data:
    who: str


class Plain:
    def __init__(self, who):
        self.who = who




@function_tool(needs_approval=True)
def pay(wrapper: RunContextWrapper[Data]) -> str:
    print(f"  the tool gets: {type(wrapper.context).__name__} {wrapper.context!r}")
    return "paid"


class Scripted(Model):
    def __init__(self):
        call = ResponseFunctionToolCall(type="function_call", name="pay", call_id="1", arguments="{}")
        text = ResponseOutputText(type="output_text", text="done", annotations=[])
        message = ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[text])
        self.turns = iter([call, message])

    async def get_response(self, *args, **kwargs):
        return ModelResponse(output=[next(self.turns)], usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


async def main():
    print("openai-agents", version("openai-agents"))
    for context in (Data("Ann"), Plain("Ann")):
        print("the run starts with:", type(context).__name__)
        agent = Agent(name="clerk", model=Scripted(), tools=[pay])
        stored = (await Runner.run(agent, "go", context=context)).to_state().to_string()
        state = await RunState.from_string(agent, stored)
        state.approve(state.get_interruptions()[0])
        await Runner.run(agent, state)


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
openai-agents 0.24.0
the run starts with: Data
  the tool gets: dict {'who': 'Ann'}
the run starts with: Plain
  the tool gets: dict {}
TXT

cd "$work"
OPENAI_AGENTS_DISABLE_TRACING=1 venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
