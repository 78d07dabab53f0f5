#!/usr/bin/env bash
# The first "final" event of a Google ADK run with a long-running tool comes before the model is
# called again
#
# Version: google-adk 2.13.0
# Guess:   A LongRunningFunctionTool that returns {"status": "pending"} parks the run: the model
#          is called again when the answer arrives, and is_final_response() marks the last event.
# Seen:    The event with the call is final already. Then come the tool's response and another
#          call of the model, whose text is final too. Only a tool that returns None stops the
#          run after the call.
# Source:  google-adk, google/adk/events/event.py, Event.is_final_response (true if
#          long_running_tool_ids is set)
# Matters: Code that stops reading at the first final event cuts the run off in the middle; code
#          that takes the last one stores a text that the model made up while the person had not
#          answered.
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


class Scripted(BaseLlm):
    model: str = "scripted"
    tool: str
    calls: int = 0

    async def generate_content_async(self, request, stream=False):
        self.calls += 1
        if self.calls == 1:
            part = types.Part(function_call=types.FunctionCall(name=self.tool, id="1", args={}))
        else:
            part = types.Part(text="It has been approved.")
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


def ask_pending() -> dict:
    """Ask the manager."""
    return {"status": "pending"}


def ask_none() -> None:
    """Ask the manager."""


async def run(function):
    model = Scripted(tool=function.__name__)
    agent = LlmAgent(name="clerk", model=model, tools=[LongRunningFunctionTool(function)])
    runner = InMemoryRunner(agent=agent, app_name="probe")
    session = await runner.session_service.create_session(app_name="probe", user_id="u")
    message = types.Content(role="user", parts=[types.Part(text="may I?")])
    print(function.__name__)
    async for event in runner.run_async(user_id="u", session_id=session.id, new_message=message):
        part = event.content.parts[0]
        what = part.text or ("call" if part.function_call else f"response {part.function_response.response}")
        print(f"  final: {event.is_final_response()}, {what}")
    print("  calls of the model:", model.calls)


print("google-adk", version("google-adk"))
asyncio.run(run(ask_pending))
asyncio.run(run(ask_none))
PY

cat >"$work/seen" <<'TXT'
google-adk 2.13.0
ask_pending
  final: True, call
  final: False, response {'status': 'pending'}
  final: True, It has been approved.
  calls of the model: 2
ask_none
  final: True, call
  calls of the model: 1
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
