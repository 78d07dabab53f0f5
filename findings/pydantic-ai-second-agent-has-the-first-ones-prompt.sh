#!/usr/bin/env bash
# A Pydantic AI agent that goes on with another one's history never sends its own system prompt
#
# Version: pydantic-ai-slim 2.62.0, pydantic 2.14.4
# Guess:   Each agent sends its system_prompt with each request; the history brings the
#          conversation.
# Seen:    With any message_history, system_prompt is left out: the second agent speaks with the
#          first one's prompt, which is part of the history, or with none if the history has none.
#          What is given as instructions= is sent each time. Both are shown side by side in most
#          examples.
# Source:  pydantic-ai documentation, Messages and chat history, and Agents, "Instructions" and
#          "System Prompts"; pydantic_ai/_agent_graph.py
# Matters: A case moves from the triage agent to the one that decides, with its messages: the
#          second decides under the rules of the first. A history that was cut to its last turns
#          runs without any rule.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydantic-ai-slim==2.62.0 pydantic==2.14.4

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from pydantic_ai import Agent
from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart
from pydantic_ai.models.function import FunctionModel


def model(messages, info):
    prompts = [part.content for message in messages for part in message.parts if isinstance(part, SystemPromptPart)]
    print("  system prompts sent:", prompts, "instructions:", info.instructions)
    return ModelResponse(parts=[TextPart("ok")])


triage = Agent(FunctionModel(model), system_prompt="Only sort. Promise nothing.")
decide = Agent(FunctionModel(model), system_prompt="Decide. At most 100.")
instructed = Agent(FunctionModel(model), instructions="Decide. At most 100.")
print("pydantic-ai", version("pydantic-ai-slim"))
print("triage:")
history = triage.run_sync("I want my money back.").all_messages()
print("decide, alone:")
decide.run_sync("Decide.")
print("decide, with the history of triage:")
decide.run_sync("Decide.", message_history=history)
print("decide, with a history that has no prompt:")
decide.run_sync("Decide.", message_history=[ModelRequest(parts=[UserPromptPart("I want my money back.")])])
print("instructions, with the history of triage:")
instructed.run_sync("Decide.", message_history=history)
PY

cat >"$work/seen" <<'TXT'
pydantic-ai 2.62.0
triage:
  system prompts sent: ['Only sort. Promise nothing.'] instructions: None
decide, alone:
  system prompts sent: ['Decide. At most 100.'] instructions: None
decide, with the history of triage:
  system prompts sent: ['Only sort. Promise nothing.'] instructions: None
decide, with a history that has no prompt:
  system prompts sent: [] instructions: None
instructions, with the history of triage:
  system prompts sent: ['Only sort. Promise nothing.'] instructions: Decide. At most 100.
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
