#!/usr/bin/env bash
# If a pydantic-ai model asks for an approval and gives its result in one response, nobody is
# asked
#
# Version: pydantic-ai-slim 2.68.0
# Guess:   A call that requires approval takes precedence: the run returns DeferredToolRequests,
#          and the result comes after the decision; at least with end_strategy='exhaustive',
#          which runs all calls.
# Seen:    With each of the end strategies the run returns the result. The approval call is
#          answered "Tool not executed - a final result was already processed." with the outcome
#          'success', which is also what a log of outcomes shows.
# Source:  pydantic-ai, pydantic_ai/_tool_execution.py, _TOOL_SKIPPED_FINAL_ALREADY_PROCESSED
# Matters: "I close the account, here is my summary" is a natural response. The summary claims an
#          action that was neither done nor shown to a person.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydantic-ai-slim==2.68.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from pydantic import BaseModel
from pydantic_ai import Agent, DeferredToolRequests, ModelResponse, ToolCallPart
from pydantic_ai.models.function import FunctionModel


class Summary(BaseModel):
    text: str


def model(messages, info):
    result = ToolCallPart("final_result", {"text": "account closed"}, tool_call_id="r")
    return ModelResponse(parts=[ToolCallPart("close_account", tool_call_id="c"), result])


closed = []
print("pydantic-ai", version("pydantic-ai-slim"))
for strategy in ("early", "graceful", "exhaustive"):
    agent = Agent(FunctionModel(model), output_type=[Summary, DeferredToolRequests], end_strategy=strategy)

    @agent.tool_plain(requires_approval=True)
    def close_account():
        closed.append(True)
        return "closed"

    run = agent.run_sync("close it")
    answer = next(part for part in run.all_messages()[-1].parts if part.tool_call_id == "c")
    print(f"{strategy}: {run.output!r}, closed: {closed}, the call's outcome: {answer.outcome!r} ({answer.content})")
PY

cat >"$work/seen" <<'TXT'
pydantic-ai 2.68.0
early: Summary(text='account closed'), closed: [], the call's outcome: 'success' (Tool not executed - a final result was already processed.)
graceful: Summary(text='account closed'), closed: [], the call's outcome: 'success' (Tool not executed - a final result was already processed.)
exhaustive: Summary(text='account closed'), closed: [], the call's outcome: 'success' (Tool not executed - a final result was already processed.)
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
