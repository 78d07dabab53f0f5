#!/usr/bin/env bash
# A request limit in pydantic-ai never trips in a run that pauses for approvals
#
# Version: pydantic-ai-slim 2.68.0
# Guess:   The continuation of a paused run, made with its message history, counts on:
#          UsageLimits(request_limit=2) stops a model that asks for one approval after another at
#          the third request.
# Seen:    Usage starts from zero at each continuation, although the history holds the usage of
#          each response: six approvals and seven requests go through with a limit of two. Only
#          with usage=previous.usage does the limit trip.
# Source:  pydantic-ai, pydantic_ai/agent/__init__.py, Agent.iter (usage = usage or RunUsage())
# Matters: The limit is there to stop a runaway agent. Just the runs with people in the loop,
#          which live longest, are outside of it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydantic-ai-slim==2.68.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from pydantic_ai import (
    Agent,
    DeferredToolRequests,
    DeferredToolResults,
    ModelResponse,
    TextPart,
    ToolCallPart,
    UsageLimitExceeded,
    UsageLimits,
)
from pydantic_ai.models.function import FunctionModel

LIMIT = UsageLimits(request_limit=2)


def run(hand_on_usage):
    requests = 0

    def model(messages, info):
        nonlocal requests
        requests += 1
        if requests > 6:
            return ModelResponse(parts=[TextPart("done")])
        return ModelResponse(parts=[ToolCallPart("pay", tool_call_id=f"p{requests}")])

    agent = Agent(FunctionModel(model), output_type=[str, DeferredToolRequests])

    @agent.tool_plain(requires_approval=True)
    def pay():
        return "paid"

    result = agent.run_sync("go", usage_limits=LIMIT)
    while isinstance(result.output, DeferredToolRequests):
        answers = DeferredToolResults(approvals={call.tool_call_id: True for call in result.output.approvals})
        more = {"usage": result.usage} if hand_on_usage else {}
        try:
            result = agent.run_sync(
                message_history=result.all_messages(), deferred_tool_results=answers, usage_limits=LIMIT, **more
            )
        except UsageLimitExceeded as error:
            return f"{requests} requests, then {type(error).__name__}"
    return f"{requests} requests, then {result.output!r}"


print("pydantic-ai", version("pydantic-ai-slim"))
print("limit of 2, history handed on:          ", run(False))
print("limit of 2, history and usage handed on:", run(True))
PY

cat >"$work/seen" <<'TXT'
pydantic-ai 2.68.0
limit of 2, history handed on:           7 requests, then 'done'
limit of 2, history and usage handed on: 2 requests, then UsageLimitExceeded
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
