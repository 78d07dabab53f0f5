#!/usr/bin/env bash
# The text of a tool's exception is the final answer of an AutoGen agent, and the model never sees
# it
#
# Version: autogen-agentchat 0.7.5
# Guess:   The result of a tool goes back to the model, which writes the answer or, after an
#          error, corrects itself: the usual loop of an agent.
# Seen:    With the defaults the run ends after the tool: its last message is the tool's output,
#          or the exception's text, as a ToolCallSummaryMessage with no mark of the error in the
#          content. The model was called once. The stop reason is None in both cases.
#          reflect_on_tool_use or max_tool_iterations change that.
# Source:  autogen-agentchat, autogen_agentchat/agents/_assistant_agent.py, AssistantAgent
#          (max_tool_iterations=1, reflect_on_tool_use)
# Matters: A worker stores the last message as the result. "connection refused" becomes the
#          answer to a customer, and the job counts as done.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    autogen-agentchat==0.7.5

cat >"$work/probe.py" <<'PY'
import asyncio
from importlib.metadata import version

from autogen_agentchat.agents import AssistantAgent
from autogen_core import FunctionCall
from autogen_core.models import ChatCompletionClient, CreateResult, RequestUsage


class Scripted(ChatCompletionClient):
    calls = 0

    async def create(self, messages, **options):
        self.calls += 1
        content = [FunctionCall(id="1", name="look_up", arguments="{}")] if self.calls == 1 else "I could not look it up."
        return CreateResult(content=content, finish_reason="stop", usage=RequestUsage(0, 0), cached=False)

    def create_stream(self, *args, **options):
        raise NotImplementedError

    async def close(self):
        pass

    def actual_usage(self):
        return RequestUsage(0, 0)

    def total_usage(self):
        return RequestUsage(0, 0)

    def count_tokens(self, *args, **options):
        return 0

    def remaining_tokens(self, *args, **options):
        return 1000

    @property
    def capabilities(self):
        return self.model_info

    @property
    def model_info(self):
        return {
            "vision": False,
            "function_calling": True,
            "json_output": False,
            "structured_output": False,
            "family": "unknown",
        }


async def look_up() -> str:
    """Look up the invoice."""
    raise ConnectionError("connection refused")


async def main():
    print("autogen-agentchat", version("autogen-agentchat"))
    for options in ({}, {"reflect_on_tool_use": True}):
        model = Scripted()
        result = await AssistantAgent("clerk", model, tools=[look_up], **options).run(task="find it")
        last = result.messages[-1]
        print(options, type(last).__name__, repr(last.content), "stop reason:", result.stop_reason, "calls:", model.calls)


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
autogen-agentchat 0.7.5
{} ToolCallSummaryMessage 'connection refused' stop reason: None calls: 1
{'reflect_on_tool_use': True} TextMessage 'I could not look it up.' stop reason: None calls: 2
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
