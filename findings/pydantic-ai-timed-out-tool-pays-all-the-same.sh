#!/usr/bin/env bash
# A Pydantic AI tool that timed out finishes its payment, and the model is invited to make it again
#
# Version: pydantic-ai-slim 2.68.0
# Guess:   A tool with timeout=0.5 that takes longer is stopped, as an async one is; or, since a
#          thread cannot be stopped, the time-out of an ordinary function is refused when the tool
#          is defined.
# Seen:    The model is told "Timed out after 0.5 seconds." while the function goes on in its
#          thread. The model calls it again: the second payment is made, then the first one is made
#          as well. The history of the run shows one that timed out and one that went through. An
#          async tool is cancelled and pays once.
# Source:  pydantic-ai, pull request 7557 "Run sync hooks in a thread pool and enforce timeout= for
#          blocking sync tools and hooks" (the abandoned thread runs to completion, its side
#          effects still land)
# Matters: The calls that are slow are those to other systems, on the day when these are slow. Two
#          refunds leave, the run is green, and only the bank's statement shows both.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydantic-ai-slim==2.68.0

cat >"$work/probe.py" <<'PY'
import asyncio
import time
from importlib.metadata import version

from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

calls, paid, told = [], [], []


def model(messages, info):
    told.append(messages[-1].parts[-1].content)
    if "refunded" in told[-1]:
        return ModelResponse(parts=[TextPart("Done.")])
    return ModelResponse(parts=[ToolCallPart("refund", {"order": 7})])


def seconds():
    calls.append(len(calls) + 1)
    return 1.5 if calls[-1] == 1 else 0.1


def refund(order: int) -> str:
    wait, call = seconds(), calls[-1]
    time.sleep(wait)
    paid.append(f"call {call}")
    return f"order {order} refunded"


async def refund_async(order: int) -> str:
    wait, call = seconds(), calls[-1]
    await asyncio.sleep(wait)
    paid.append(f"call {call}")
    return f"order {order} refunded"


async def main():
    print("pydantic-ai-slim", version("pydantic-ai-slim"))
    for tool in (refund, refund_async):
        calls.clear(), paid.clear(), told.clear()
        agent = Agent(FunctionModel(model), retries=3)
        agent.tool_plain(tool, name="refund", timeout=0.5)
        result = await agent.run("Refund order 7.")
        await asyncio.sleep(2)
        print(f"{tool.__name__}: {result.output} Paid by {paid}.")
        print("  the model was told:", told)


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
pydantic-ai-slim 2.68.0
refund: Done. Paid by ['call 2', 'call 1'].
  the model was told: ['Refund order 7.', 'Timed out after 0.5 seconds.', 'order 7 refunded']
refund_async: Done. Paid by ['call 2'].
  the model was told: ['Refund order 7.', 'Timed out after 0.5 seconds.', 'order 7 refunded']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
