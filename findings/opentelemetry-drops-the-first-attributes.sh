#!/usr/bin/env bash
# The 129th attribute of an OpenTelemetry span pushes out the first one, and the 129th event the
# first event
#
# Version: opentelemetry-sdk 1.45.2
# Guess:   A span takes 128 attributes and 128 events, and what comes after that is refused: the
#          specification says that a key whose addition would exceed the limit is to be discarded.
# Seen:    The oldest ones are dropped. The span of a run with 200 attributes no longer has the
#          case's id, which was set at its start, and its events begin with number 72. There is a
#          warning in the log for each attribute and none for the events.
# Source:  OpenTelemetry specification, Common, "Attribute Limits" (quoted in opentelemetry-ruby,
#          issue 1534 "Attribute limits should discard from the end"); opentelemetry/attributes,
#          BoundedAttributes
# Matters: An agent that notes each step in the span of its run loses what the trace is found by,
#          and only long runs do, which are those that one looks for. In SDKs of other languages
#          the beginning stays.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    opentelemetry-sdk==1.45.2

cat >"$work/probe.py" <<'PY'
import logging
from importlib.metadata import version

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

said = []
handler = logging.Handler()
handler.emit = said.append
logging.getLogger().addHandler(handler)
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
tracer = provider.get_tracer("probe")

print("opentelemetry-sdk", version("opentelemetry-sdk"))
with tracer.start_as_current_span("run", attributes={"case.id": "4711"}) as span:
    for step in range(200):
        span.set_attribute(f"step.{step}", "done")
warnings = len(said)
with tracer.start_as_current_span("events") as span:
    for step in range(200):
        span.add_event(f"step {step}")
run, events = exporter.get_finished_spans()
print(f"attributes {len(run.attributes)}, case.id: {run.attributes.get('case.id')}", end=", ")
print("first:", next(iter(run.attributes)), "last:", list(run.attributes)[-1], "warnings:", warnings)
print(f"events {len(events.events)}, first: {events.events[0].name}, last: {events.events[-1].name}", end=", ")
print("warnings:", len(said) - warnings)
PY

cat >"$work/seen" <<'TXT'
opentelemetry-sdk 1.45.2
attributes 128, case.id: None, first: step.72 last: step.199 warnings: 73
events 128, first: step 72, last: step 199, warnings: 0
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
