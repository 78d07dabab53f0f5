#!/usr/bin/env bash
# An AutoGen team stops before its first turn if the task mentions the word that ends it
#
# Version: autogen-agentchat 0.7.5
# Guess:   TextMentionTermination("TERMINATE") looks at what the agents say; the task is the
#          input of the run.
# Seen:    The task is the first message that the condition sees. "Say TERMINATE when you are
#          done" ends the run at once: no model is called, and the result is the task with the
#          stop reason "Text 'TERMINATE' mentioned". With sources=["clerk"] it works.
# Source:  autogen-agentchat, autogen_agentchat/conditions/_terminations.py,
#          TextMentionTermination (sources=None means every message)
# Matters: The run looks finished and successful. It happens with instructions in the task, and
#          with a customer's mail that holds the word.
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
from autogen_agentchat.conditions import TextMentionTermination
from autogen_agentchat.teams import RoundRobinGroupChat
from autogen_core.models import ChatCompletionClient, CreateResult, RequestUsage


class Scripted(ChatCompletionClient):
    calls = 0

    async def create(self, messages, **options):
        self.calls += 1
        return CreateResult(content="Paid. TERMINATE", finish_reason="stop", usage=RequestUsage(0, 0), cached=False)

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
            "function_calling": False,
            "json_output": False,
            "structured_output": False,
            "family": "unknown",
        }


async def main():
    print("autogen-agentchat", version("autogen-agentchat"))
    for options in ({}, {"sources": ["clerk"]}):
        model = Scripted()
        end = TextMentionTermination("TERMINATE", **options)
        team = RoundRobinGroupChat([AssistantAgent("clerk", model)], termination_condition=end)
        result = await team.run(task="Pay the invoice. Say TERMINATE when you are done.")
        print(options, "calls of the model:", model.calls, "last message:", repr(result.messages[-1].content))
        print("  stop reason:", result.stop_reason)


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
autogen-agentchat 0.7.5
{} calls of the model: 0 last message: 'Pay the invoice. Say TERMINATE when you are done.'
  stop reason: Text 'TERMINATE' mentioned
{'sources': ['clerk']} calls of the model: 1 last message: 'Paid. TERMINATE'
  stop reason: Text 'TERMINATE' mentioned
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
