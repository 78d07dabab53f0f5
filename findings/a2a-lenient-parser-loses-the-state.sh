#!/usr/bin/env bash
# A lenient A2A parser reads the old "input-required" as no state at all
#
# Version: a2a-sdk 1.3.0, protobuf 5.29.6
# Guess:   ignore_unknown_fields skips fields that the type does not have ("kind" of A2A 0.3). A
#          value that the enum does not know is still an error, as without the flag.
# Seen:    The unknown enum value is skipped as well: the task is parsed and its state is
#          TASK_STATE_UNSPECIFIED, like one that was never set. Without the flag ParseError is
#          raised.
# Source:  protobuf, google/protobuf/json_format.py, _ConvertAndSetScalar
#          (EnumStringValueParseError is dropped with ignore_unknown_fields); a2a-sdk, a2a/types,
#          TaskState
# Matters: A peer of the previous protocol version asks a question; the gateway that was made
#          tolerant to keep it working sees a task without a state, and nobody is asked.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    a2a-sdk==1.3.0 protobuf==5.29.6

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from a2a.types import Task, TaskState
from google.protobuf.json_format import ParseDict, ParseError

print("a2a-sdk", version("a2a-sdk"))
for state in ("TASK_STATE_INPUT_REQUIRED", "input-required"):
    for lenient in (False, True):
        peer = {"id": "1", "contextId": "c", "status": {"state": state}}
        try:
            task = ParseDict(peer, Task(), ignore_unknown_fields=lenient)
            outcome = TaskState.Name(task.status.state)
        except ParseError as error:
            outcome = type(error).__name__
        print(f"{state}, ignore_unknown_fields={lenient}: {outcome}")
PY

cat >"$work/seen" <<'TXT'
a2a-sdk 1.3.0
TASK_STATE_INPUT_REQUIRED, ignore_unknown_fields=False: TASK_STATE_INPUT_REQUIRED
TASK_STATE_INPUT_REQUIRED, ignore_unknown_fields=True: TASK_STATE_INPUT_REQUIRED
input-required, ignore_unknown_fields=False: ParseError
input-required, ignore_unknown_fields=True: TASK_STATE_UNSPECIFIED
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
