#!/usr/bin/env bash
# A back-off hook makes stamina wait longer than its own timeout, and try again after it
#
# Version: stamina 26.1.0
# Guess:   timeout is the "maximum total time for all retries": if the hook (for a Retry-After
#          header) asks for more than is left, stamina gives up at once, or cuts the wait.
# Seen:    The wait of the hook is slept in full, and one more attempt follows, although the
#          timeout has passed long ago. attempts is the only bound.
# Source:  stamina, API documentation of stamina.retry (on: "none of the other backoff parameters
#          apply", timeout); tenacity/stop.py, stop_after_delay (looks at the time before the
#          wait)
# Matters: The server says "in an hour", the job's limit is 45 seconds by default: the worker
#          sleeps for an hour with its lease long expired and then calls the server beside its
#          successor.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    stamina==26.1.0

cat >"$work/probe.py" <<'PY'
import time
from importlib.metadata import version

import stamina

print("stamina", version("stamina"))
stamina.instrumentation.set_on_retry_hooks([])
calls, began = 0, time.monotonic()
try:
    for attempt in stamina.retry_context(on=lambda error: 1.5, timeout=0.5, wait_max=0.1, attempts=10):
        with attempt:
            calls += 1
            raise ConnectionError("Retry-After: 1.5")
except ConnectionError:
    pass
print("timeout 0.5 s, the hook says 1.5 s: calls", calls, "- took at least 1.5 s:", time.monotonic() - began >= 1.5)
PY

cat >"$work/seen" <<'TXT'
stamina 26.1.0
timeout 0.5 s, the hook says 1.5 s: calls 2 - took at least 1.5 s: True
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
