#!/usr/bin/env bash
# A second try of an OpenAI Agents run with a session gives the model its task twice
#
# Version: openai-agents 0.24.0, openai 3.57.0
# Guess:   A session is the history of the runs that took place. A run whose model call failed adds
#          nothing to it, or leaves it so that the same call can be made again.
# Seen:    The input is stored before the model is called. Runner.run() with the same input and
#          session, after the model was down once, sends "Refund order 7." twice, and after two
#          failures three times. The session keeps them all.
# Source:  openai-agents-python, issue 3852 (a local session's input is stored before the first
#          model request); seen by running
# Matters: The retry of a queue is just this call. The model reads two requests for a refund, and
#          may well make two.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    openai-agents==0.24.0 openai==3.57.0

cat >"$work/probe.py" <<'PY'
import asyncio
import os
from importlib.metadata import version

from agents import Agent, Model, ModelResponse, Runner, SQLiteSession, Usage
from openai.types.responses import ResponseOutputMessage, ResponseOutputText

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"


class Unreliable(Model):
    calls = 0

    async def get_response(self, system_instructions, input, *args, **kwargs):
        self.calls += 1
        if self.calls < 3:
            raise ConnectionError("down")
        self.seen = [item["content"] for item in input]
        text = ResponseOutputText(type="output_text", text="Done.", annotations=[])
        answer = ResponseOutputMessage(
            id="m1", type="message", role="assistant", status="completed", content=[text]
        )
        return ModelResponse(output=[answer], usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


async def main():
    print("openai-agents", version("openai-agents"))
    session, model = SQLiteSession("case 7"), Unreliable()
    agent = Agent(name="clerk", model=model)
    for attempt in (1, 2, 3):
        try:
            result = await Runner.run(agent, "Refund order 7.", session=session)
        except ConnectionError as error:
            print(f"attempt {attempt}: {error}; in the session: {len(await session.get_items())}")
    print(f"attempt 3: {result.final_output} The model was given {model.seen}")
    print("in the session:", [item["role"] for item in await session.get_items()])


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
openai-agents 0.24.0
attempt 1: down; in the session: 1
attempt 2: down; in the session: 2
attempt 3: Done. The model was given ['Refund order 7.', 'Refund order 7.', 'Refund order 7.']
in the session: ['user', 'user', 'user', 'assistant']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
