#!/usr/bin/env bash
# pydantic-ai reports a missing output type only after the other tools of the response have run
#
# Version: pydantic-ai-slim 2.68.0
# Guess:   UserError ("DeferredToolRequests is not among output types") is an error of
#          configuration, so it is raised before any tool is executed, or when the agent is
#          built: a tool that requires approval is known then.
# Seen:    The model calls an ordinary tool and one that requires approval. The ordinary one is
#          executed, then UserError is raised. Each retry executes it again.
# Source:  pydantic-ai, pydantic_ai/_tool_execution.py (the check of
#          output_schema.allows_deferred_tools comes after the calls were executed)
# Matters: A queue treats a UserError as "nothing happened". One forgotten output type sends a
#          letter per attempt.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydantic-ai-slim==2.68.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from pydantic_ai import Agent, ModelResponse, ToolCallPart, UserError
from pydantic_ai.models.function import FunctionModel

sent = []


def model(messages, info):
    return ModelResponse(parts=[ToolCallPart("send_letter"), ToolCallPart("close_account")])


agent = Agent(FunctionModel(model), output_type=str)


@agent.tool_plain
def send_letter():
    sent.append("letter")
    return "sent"


@agent.tool_plain(requires_approval=True)
def close_account():
    return "closed"


print("pydantic-ai", version("pydantic-ai-slim"))
for attempt in (1, 2):
    try:
        agent.run_sync("go")
    except UserError as error:
        print(f"attempt {attempt}: {type(error).__name__}, sent so far: {sent}")
PY

cat >"$work/seen" <<'TXT'
pydantic-ai 2.68.0
attempt 1: UserError, sent so far: ['letter']
attempt 2: UserError, sent so far: ['letter', 'letter']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
