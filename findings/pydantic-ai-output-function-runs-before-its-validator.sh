#!/usr/bin/env bash
# An output function of Pydantic AI has done its work before the output validator refuses it, and
# does it again
#
# Version: pydantic-ai-slim 2.62.0, pydantic 2.14.4
# Guess:   The validator checks what the model asks for; the function given as output_type runs
#          once, at the end, with output that has passed.
# Seen:    The function is called first and the validator gets what it returned. ModelRetry in the
#          validator sends the model back, and the function is called a second time. With
#          end_strategy="exhaustive" two output calls in one response both run, though one is the
#          result.
# Source:  pydantic-ai documentation, Output, "Output functions" and "Output validator functions"
#          (the validator runs after the function); seen by running
# Matters: "End the run by filing the case" is what output functions are for. A validator added
#          later to catch bad filings turns each catch into two filings.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    pydantic-ai-slim==2.62.0 pydantic==2.14.4

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from pydantic_ai import Agent, ModelRetry
from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models.function import FunctionModel

filed = []


def file_case(amount: int) -> str:
    filed.append(amount)
    return f"case over {amount}"


def run(amounts, refused=(), **options):
    filed.clear()
    turns = iter(amounts)

    def model(messages, info):
        tool = info.output_tools[0].name
        return ModelResponse(parts=[ToolCallPart(tool, {"amount": amount}) for amount in next(turns)])

    agent = Agent(FunctionModel(model), output_type=file_case, **options)

    @agent.output_validator
    def check(output: str) -> str:
        if output in refused:
            raise ModelRetry("The amount is too high.")
        return output

    result = agent.run_sync("go").output
    print(f"model calls with {amounts}, {options or 'default'}: filed {filed}, result {result!r}")


print("pydantic-ai", version("pydantic-ai-slim"))
run([[900], [90]], refused=["case over 900"])
run([[90, 80]])
run([[90, 80]], end_strategy="exhaustive")
PY

cat >"$work/seen" <<'TXT'
pydantic-ai 2.62.0
model calls with [[900], [90]], default: filed [900, 90], result 'case over 90'
model calls with [[90, 80]], default: filed [90], result 'case over 90'
model calls with [[90, 80]], {'end_strategy': 'exhaustive'}: filed [90, 80], result 'case over 90'
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
