#!/usr/bin/env bash
# TaskIQ converts the arguments of a task by their annotations, and runs it all the same if that
# fails
#
# Version: taskiq 0.13.0, pydantic 2.14.4
# Guess:   amount: int turns "5" into 5, and "five" makes the task fail with a validation error
#          before its body runs.
# Seen:    "5" becomes 5 and a dict becomes the annotated dataclass. "five" is handed to the task
#          as it is, with a warning in the log; a dict that does not fit the dataclass stays a
#          dict. The result is not an error.
# Source:  taskiq, taskiq/receiver/params_parser.py, parse_params (the error of the conversion is
#          logged as a warning)
# Matters: Annotations look like the contract of the queue. Payloads from agents and other
#          services enter the body unchecked just when they are wrong.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    taskiq==0.13.0 pydantic==2.14.4

cat >"$work/probe.py" <<'PY'
import asyncio
from dataclasses import dataclass
from importlib.metadata import version

from taskiq import InMemoryBroker


@dataclass
class Refund:
    amount: int


async def main():
    print("taskiq", version("taskiq"))
    broker = InMemoryBroker()

    @broker.task
    async def pay(amount: int, refund: Refund | None = None) -> str:
        return f"ran with {type(amount).__name__} {amount!r} and {refund!r}"

    for arguments in (("5",), ("five",), (5.5,), (1, {"amount": 2}), (1, {"amount": "two"})):
        result = await (await pay.kiq(*arguments)).wait_result(timeout=10)
        print(arguments, "->", result.return_value, "error:", result.error)


asyncio.run(main())
PY

cat >"$work/seen" <<'TXT'
taskiq 0.13.0
('5',) -> ran with int 5 and None error: None
('five',) -> ran with str 'five' and None error: None
(5.5,) -> ran with float 5.5 and None error: None
(1, {'amount': 2}) -> ran with int 1 and Refund(amount=2) error: None
(1, {'amount': 'two'}) -> ran with int 1 and {'amount': 'two'} error: None
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
