#!/usr/bin/env bash
# A pydantic-ai run that waits for an approval goes on without one if only its history is handed
# back
#
# Version: pydantic-ai-slim 2.68.0
# Guess:   Running the agent on the stored messages without deferred_tool_results asks again
#          (DeferredToolRequests), or raises UserError as it does if one of several results is
#          missing.
# Seen:    If the response also held an ordinary tool call, the open call is answered "The tool
#          call was interrupted before a result was produced." and the run completes with a text.
#          Nobody is asked again. (With the approval call alone in the response the request does
#          come again.)
# Source:  pydantic-ai, pydantic_ai/messages.py, INTERRUPTED_TOOL_RETURN_CONTENT and
#          _synthesized_tool_returns (repair of dangling tool calls)
# Matters: A worker that lost the answer, or retries with the history only, gets a finished run.
#          The person's decision is dropped and the case counts as done.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydantic-ai-slim==2.68.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from pydantic_ai import Agent, DeferredToolRequests, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel


def agent_whose_model_calls(*tools):
    turns = iter([ModelResponse(parts=[ToolCallPart(tool, tool_call_id=tool) for tool in tools])])

    def model(messages, info):
        for part in messages[-1].parts:
            if getattr(part, "tool_name", None) == "close_account":
                print("  the model reads:", part.content, f"(outcome: {part.outcome})")
        return next(turns, ModelResponse(parts=[TextPart("all done")]))

    agent = Agent(FunctionModel(model), output_type=[str, DeferredToolRequests])

    @agent.tool_plain
    def look_up():
        return "found"

    @agent.tool_plain(requires_approval=True)
    def close_account():
        return "closed"

    return agent


print("pydantic-ai", version("pydantic-ai-slim"))
for tools in (("look_up", "close_account"), ("close_account",)):
    print("the model calls", tools)
    agent = agent_whose_model_calls(*tools)
    waiting = agent.run_sync("go")
    print("  first run:", type(waiting.output).__name__)
    again = agent.run_sync(message_history=waiting.all_messages())
    print("  run on the history alone:", repr(again.output) if isinstance(again.output, str) else type(again.output).__name__)
PY

cat >"$work/seen" <<'TXT'
pydantic-ai 2.68.0
the model calls ('look_up', 'close_account')
  first run: DeferredToolRequests
  the model reads: The tool call was interrupted before a result was produced. (outcome: interrupted)
  run on the history alone: 'all done'
the model calls ('close_account',)
  first run: DeferredToolRequests
  run on the history alone: DeferredToolRequests
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
