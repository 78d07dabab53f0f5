#!/usr/bin/env bash
# A Strands tool that returns a record with the keys status and content sends it to the model as
# its own envelope
#
# Version: strands-agents 1.62.0
# Guess:   What a tool returns is its result: a dict is written as JSON text into a toolResult
#          with status "success".
# Seen:    That holds for {"state": ..., "content": ...}. A dict that has both `status` and
#          `content` is taken for the toolResult itself: a ticket {"status": "closed", "content":
#          "..."} goes out with the status "closed" (only success and error exist) and a string
#          where a list of blocks belongs.
# Source:  strands-agents, strands/tools/decorator.py, DecoratedFunctionTool._wrap_tool_result
# Matters: status and content are the fields of tickets, mails and cases. The request is
#          malformed at the provider, or the model sees a ticket that "failed" as a tool error.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    strands-agents==1.62.0

cat >"$work/probe.py" <<'PY'
import json
from importlib.metadata import version

from strands import Agent, tool
from strands.models import Model


class Scripted(Model):
    def __init__(self, tool_name):
        self.calls, self.seen = [tool_name], None

    def update_config(self, **config):
        pass

    def get_config(self):
        return {}

    async def structured_output(self, *args, **kwargs):
        yield {}

    async def stream(self, messages, *args, **kwargs):
        self.seen = messages[-1]["content"]
        yield {"messageStart": {"role": "assistant"}}
        if self.calls:
            use = {"name": self.calls.pop(), "toolUseId": "1"}
            yield {"contentBlockStart": {"start": {"toolUse": use}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": "{}"}}}}
            yield {"contentBlockStop": {}}
            yield {"messageStop": {"stopReason": "tool_use"}}
        else:
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": "done"}}}
            yield {"contentBlockStop": {}}
            yield {"messageStop": {"stopReason": "end_turn"}}


@tool
def find_note() -> dict:
    """Find the note."""
    return {"state": "closed", "content": "the parcel was lost"}


@tool
def find_ticket() -> dict:
    """Find the ticket."""
    return {"status": "closed", "content": "the parcel was lost"}


print("strands-agents", version("strands-agents"))
for function in (find_note, find_ticket):
    agent = Agent(model=Scripted(function.tool_name), tools=[function], callback_handler=None)
    agent("go")
    print(f"{function.tool_name}: the model reads", json.dumps(agent.model.seen, sort_keys=True))
PY

cat >"$work/seen" <<'TXT'
strands-agents 1.62.0
find_note: the model reads [{"toolResult": {"content": [{"text": "{\"state\": \"closed\", \"content\": \"the parcel was lost\"}"}], "status": "success", "toolUseId": "1"}}]
find_ticket: the model reads [{"toolResult": {"content": "the parcel was lost", "status": "closed", "toolUseId": "1"}}]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
