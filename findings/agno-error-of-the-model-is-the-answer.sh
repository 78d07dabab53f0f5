#!/usr/bin/env bash
# Agno's agent.run() returns when the model is down, and the error's text is the content
#
# Version: agno 3.1.10
# Guess:   run() raises ModelProviderError, as the model raised it: the run has no answer.
# Seen:    run() returns a RunOutput like any other, whose content is "the provider is down". Only
#          its status says "ERROR". With an output schema, too, the content is that text and no
#          object of the schema.
# Source:  agno, issue 10193 (a run whose model fails ends in a RunOutput with the status error);
#          agno/agent/_run.py
# Matters: Queues take a function that returns for a success: no retry on the bad day, and a case
#          that is closed with an error message for the customer.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    agno==3.1.10

cat >"$work/probe.py" <<'PY'
import logging
from dataclasses import dataclass
from importlib.metadata import version

from agno.agent import Agent
from agno.exceptions import ModelProviderError
from agno.models.base import Model
from agno.models.response import ModelResponse
from pydantic import BaseModel

logging.disable(logging.CRITICAL)


@dataclass
class Down(Model):
    id: str = "down"

    def invoke(self, *args, **kwargs):
        raise ModelProviderError("the provider is down")

    async def ainvoke(self, *args, **kwargs):
        return self.invoke()

    def invoke_stream(self, *args, **kwargs):
        yield self.invoke()

    async def ainvoke_stream(self, *args, **kwargs):
        yield self.invoke()

    def _parse_provider_response(self, response, **kwargs):
        return ModelResponse()

    def _parse_provider_response_delta(self, response):
        return ModelResponse()


class Refund(BaseModel):
    order: int


print("agno", version("agno"))
for schema in (None, Refund):
    agent = Agent(model=Down(), output_schema=schema, telemetry=False)
    result = agent.run("Refund order 7.")
    print(f"schema {schema.__name__ if schema else None}: returned {type(result).__name__},", end=" ")
    print(f"content {result.content!r}, status {result.status.value}")
PY

cat >"$work/seen" <<'TXT'
agno 3.1.10
schema None: returned RunOutput, content 'the provider is down', status ERROR
schema Refund: returned RunOutput, content 'the provider is down', status ERROR
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
