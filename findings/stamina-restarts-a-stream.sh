#!/usr/bin/env bash
# A retry decorator on a generator: stamina yields the first items again, tenacity never retries
#
# Version: stamina 26.1.0, tenacity 9.2.1
# Guess:   The two do the same thing (stamina is built on tenacity), and a generator that fails
#          half-way either fails or goes on after the item that was yielded last.
# Seen:    tenacity's decorator only guards the creation of the generator: one attempt, three
#          asked for. stamina runs the generator from the start at each attempt and hands on
#          everything: the consumer sees the first items three times, with no mark between them.
# Source:  stamina API documentation, stamina.retry ("Generators are restarted from the beginning
#          on each retry", since 25.2.0); tenacity, tenacity/__init__.py, BaseRetrying.wraps
# Matters: Streams of model tokens, export pages and event feeds are generators. Swapping one
#          library for the other turns "no retry" into "duplicates in the stream".
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    stamina==26.1.0 tenacity==9.2.1

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

import stamina
import tenacity

print("stamina", version("stamina"), "tenacity", version("tenacity"))
stamina.instrumentation.set_on_retry_hooks([])


def consume(retry):
    attempts, got = 0, []

    @retry
    def stream():
        nonlocal attempts
        attempts += 1
        yield "a"
        yield "b"
        raise ConnectionError

    try:
        for item in stream():
            got.append(item)
    except ConnectionError:
        return f"attempts {attempts}, the consumer got {got}"


print("tenacity:", consume(tenacity.retry(stop=tenacity.stop_after_attempt(3), reraise=True)))
print("stamina: ", consume(stamina.retry(on=ConnectionError, attempts=3, wait_initial=0.01, wait_jitter=0)))
PY

cat >"$work/seen" <<'TXT'
stamina 26.1.0 tenacity 9.2.1
tenacity: attempts 1, the consumer got ['a', 'b']
stamina:  attempts 3, the consumer got ['a', 'b', 'a', 'b', 'a', 'b']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
