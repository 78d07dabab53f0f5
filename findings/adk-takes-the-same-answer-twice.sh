#!/usr/bin/env bash
# Google ADK takes the answer to a long-running call as often as it is delivered
#
# Version: google-adk 2.13.0
# Guess:   A function response with the id of a call that has been answered is refused, as one
#          with an unknown id is (ValueError), or ignored.
# Seen:    The second delivery starts another turn: the model is called again with the same
#          answer and may call the next tool again: the payment that follows the approval is made
#          twice.
# Source:  google-adk, google/adk/runners.py ("Function call not found for function response ids"
#          is the only check); seen by running
# Matters: Answers of people come through a queue or a webhook, at least once. One click on
#          "approve" pays twice.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    google-adk==2.13.0

cat >"$work/probe.py" <<'PY'
import asyncio
import logging
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.tools import LongRunningFunctionTool
from google.genai import types

paid = []


def ask() -> None:
    """Ask the manager."""


def pay() -> dict:
    """Pay."""
    paid.append("paid")
    return {"done": True}


class Scripted(BaseLlm):
    model: str = "scripted"

    async def generate_content_async(self, request, stream=False):
        last = request.contents[-1].parts[0]
        if last.text:
            part = types.Part(function_call=types.FunctionCall(name="ask", id="ask-1", args={}))
        elif last.function_response.name == "ask":
            part = types.Part(function_call=types.FunctionCall(name="pay", args={}))
        else:
            part = types.Part(text="done")
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


async def main():
    agent = LlmAgent(name="clerk", model=Scripted(), tools=[LongRunningFunctionTool(ask), pay])
    runner = InMemoryRunner(agent=agent, app_name="probe")
    session = await runner.session_service.create_session(app_name="probe", user_id="u")

    async def send(part):
        message = types.Content(role="user", parts=[part])
        async for _ in runner.run_async(user_id="u", session_id=session.id, new_message=message):
            pass

    def answer(call_id):
        response = types.FunctionResponse(id=call_id, name="ask", response={"approved": True})
        return types.Part(function_response=response)

    await send(types.Part(text="may I?"))
    print("after the question:", paid)
    for delivery in (1, 2):
        await send(answer("ask-1"))
        print(f"after delivery {delivery} of the answer:", paid)
    try:
        await send(answer("ask-2"))
    except ValueError as error:
        print("an answer with an unknown id:", type(error).__name__)


print("google-adk", version("google-adk"))
asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
google-adk 2.13.0
after the question: []
after delivery 1 of the answer: ['paid']
after delivery 2 of the answer: ['paid', 'paid']
an answer with an unknown id: ValueError
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
