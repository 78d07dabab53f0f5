#!/usr/bin/env bash
# Waiting for a Huey task that returns None times out although the task has finished
#
# Version: huey 3.5.4
# Guess:   result.get(blocking=True, timeout=...) returns when the task has run; a task without a
#          return value gives None.
# Seen:    None is not stored as a result. The finished task and the one that has not started
#          look the same: get() gives None for both, and the blocking get() raises ResultTimeout
#          (or waits for ever without a timeout). With store_none=True it returns.
# Source:  Huey documentation, API, Huey(store_none=...) ; huey/api.py, Huey._execute /
#          put_result
# Matters: Tasks that are run for their effect are the most common ones. "Wait until it is sent"
#          works in every example (they all return something) and blocks the caller for a task
#          without return.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    huey==3.5.4

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from huey import MemoryHuey
from huey.exceptions import HueyException

print("huey", version("huey"))
for store_none in (False, True):
    huey = MemoryHuey(store_none=store_none)
    ran = []

    @huey.task()
    def send():
        ran.append("sent")

    result = send()
    huey.execute(huey.dequeue())
    try:
        outcome = result.get(blocking=True, timeout=1)
    except HueyException as error:
        outcome = type(error).__name__
    print(f"store_none={store_none}: the task has run: {ran}, blocking get: {outcome}")
PY

cat >"$work/seen" <<'TXT'
huey 3.5.4
store_none=False: the task has run: ['sent'], blocking get: ResultTimeout
store_none=True: the task has run: ['sent'], blocking get: None
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
