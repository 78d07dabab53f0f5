#!/usr/bin/env bash
# OpenTelemetry's extract() does not find a "Traceparent" in a dict of headers
#
# Version: opentelemetry-api 1.45.2
# Guess:   Header names are case-insensitive, and the W3C says so for traceparent: any spelling
#          joins the trace.
# Seen:    The default getter looks up the exact lower-case key. {"Traceparent": ...} gives an
#          invalid span context: the consumer starts a trace of its own, without a warning.
# Source:  opentelemetry-api, opentelemetry/propagators/textmap.py, DefaultGetter.get; W3C Trace
#          Context, 3.2.1 Header Name
# Matters: Headers that passed through a queue, a webhook store or an HTTP framework arrive as a
#          plain dict in title case. The trace ends at the queue, and it looks as if nothing had
#          been sent.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    opentelemetry-api==1.45.2

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from opentelemetry import propagate, trace

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
print("opentelemetry-api", version("opentelemetry-api"))
for name in ("traceparent", "Traceparent", "TRACEPARENT"):
    context = trace.get_current_span(propagate.extract({name: PARENT})).get_span_context()
    print(f"{name}: valid {context.is_valid}, trace {context.trace_id:032x}")
PY

cat >"$work/seen" <<'TXT'
opentelemetry-api 1.45.2
traceparent: valid True, trace 0af7651916cd43dd8448eb211c80319c
Traceparent: valid False, trace 00000000000000000000000000000000
TRACEPARENT: valid False, trace 00000000000000000000000000000000
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
