#!/usr/bin/env bash
# A smolagents run that hits max_steps returns an answer like any other
#
# Version: smolagents 1.26.0
# Guess:   The library has AgentMaxStepsError, so run() raises it when the steps are used up.
# Seen:    The error is only put into the memory. The model is asked for a last text without
#          tools, and run() returns that text: "The refund was paid." after two steps that paid
#          nothing. Only return_full_result=True shows the state "max_steps_error".
# Source:  smolagents, smolagents/agents.py, MultiStepAgent._handle_max_steps_reached and
#          RunResult.state
# Matters: A worker stores what run() returns. A case whose agent was cut off is closed with a
#          plausible sentence.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    smolagents==1.26.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from smolagents import ChatMessage, Model, ToolCallingAgent, tool
from smolagents.models import ChatMessageToolCall, ChatMessageToolCallFunction, MessageRole


@tool
def look_up() -> str:
    """Look up the invoice."""
    return "not found"


class Scripted(Model):
    def __init__(self):
        super().__init__(model_id="scripted")

    def generate(self, messages, tools_to_call_from=None, **options):
        if not tools_to_call_from:
            return ChatMessage(role=MessageRole.ASSISTANT, content="The refund was paid.")
        function = ChatMessageToolCallFunction(name="look_up", arguments={})
        call = ChatMessageToolCall(id="1", type="function", function=function)
        return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=[call])


print("smolagents", version("smolagents"))
for full in (False, True):
    agent = ToolCallingAgent(tools=[look_up], model=Scripted(), max_steps=2, verbosity_level=0)
    result = agent.run("refund invoice 7", return_full_result=full)
    print(f"return_full_result={full}:", repr(result.output) + f", state {result.state}" if full else repr(result))
    print("  error in the memory:", type(agent.memory.steps[-1].error).__name__)
PY

cat >"$work/seen" <<'TXT'
smolagents 1.26.0
Reached max steps.
return_full_result=False: 'The refund was paid.'
  error in the memory: AgentMaxStepsError
Reached max steps.
return_full_result=True: 'The refund was paid.', state max_steps_error
  error in the memory: AgentMaxStepsError
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
