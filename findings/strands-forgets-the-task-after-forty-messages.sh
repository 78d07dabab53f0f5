#!/usr/bin/env bash
# A Strands agent with default settings deletes its task after forty messages
#
# Version: strands-agents 1.62.0
# Guess:   The conversation is kept until the model's window overflows; what is cut then is old
#          tool output, and agent.messages stays complete for whoever stores it.
# Seen:    The default manager is a sliding window of 40 messages, counted after each call,
#          whatever their length. The first message goes first, and it is the task. It is deleted
#          from agent.messages itself, so that a stored session does not have it either.
# Source:  strands-agents,
#          strands/agent/conversation_manager/sliding_window_conversation_manager.py,
#          SlidingWindowConversationManager(window_size=40)
# Matters: "Refund order 4711, at most 10" is gone after twenty exchanges that fit the window of
#          the model many times over. The agent goes on with the notes and without the limit.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    strands-agents==1.62.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from strands import Agent
from strands.agent.conversation_manager import NullConversationManager
from strands.models import Model


class Polite(Model):
    def update_config(self, **options):
        pass

    def get_config(self):
        return {}

    async def structured_output(self, *args, **options):
        yield {}

    async def stream(self, messages, *args, **options):
        self.seen = [message["content"][0]["text"] for message in messages]
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockStart": {"start": {}}}
        yield {"contentBlockDelta": {"delta": {"text": "ok"}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn"}}


print("strands-agents", version("strands-agents"))
for options in ({}, {"conversation_manager": NullConversationManager()}):
    model = Polite()
    agent = Agent(model=model, callback_handler=None, **options)
    agent("Refund order 4711, at most 10.")
    for number in range(1, 26):
        agent(f"note {number}")
    manager = type(agent.conversation_manager).__name__
    print(f"{manager}: {len(agent.messages)} messages kept")
    print("  the model's first:", model.seen[0], "| kept first:", agent.messages[0]["content"][0]["text"])
PY

cat >"$work/seen" <<'TXT'
strands-agents 1.62.0
SlidingWindowConversationManager: 40 messages kept
  the model's first: note 5 | kept first: note 6
NullConversationManager: 52 messages kept
  the model's first: Refund order 4711, at most 10. | kept first: Refund order 4711, at most 10.
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
