#!/usr/bin/env bash
# The span of a cancelled asyncio task ends with status UNSET and without an exception event
#
# Version: opentelemetry-sdk 1.45.2
# Guess:   start_as_current_span() records whatever leaves its block, as it does for ValueError:
#          status ERROR and an exception event.
# Seen:    Only subclasses of Exception are recorded. A task that is cancelled, a SystemExit and
#          a closed generator leave a span that cannot be told from one of a success.
# Source:  opentelemetry-api, opentelemetry/trace/__init__.py, use_span (`except Exception`)
# Matters: Time-outs, lost leases and shutdowns are cancellations. In a worker's traces exactly
#          those runs look like short, successful ones, and the error rate stays at zero.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    opentelemetry-sdk==1.45.2

cat >"$work/probe.py" <<'PY'
import asyncio
from importlib.metadata import version

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
tracer = provider.get_tracer("probe")


def show(name):
    span = spans.get_finished_spans()[-1]
    print(f"{name}: status {span.status.status_code.name}, events {[event.name for event in span.events]}")


async def job(seconds):
    with tracer.start_as_current_span("job"):
        await asyncio.sleep(seconds)


async def timed_out():
    try:
        await asyncio.wait_for(job(60), 0.05)
    except TimeoutError:
        pass


print("opentelemetry-sdk", version("opentelemetry-sdk"))
try:
    with tracer.start_as_current_span("job"):
        raise ValueError
except ValueError:
    show("ValueError")
asyncio.run(timed_out())
show("cancelled by a time-out")
try:
    with tracer.start_as_current_span("job"):
        raise SystemExit(1)
except SystemExit:
    show("SystemExit(1)")
asyncio.run(job(0))
show("success")
PY

cat >"$work/seen" <<'TXT'
opentelemetry-sdk 1.45.2
ValueError: status ERROR, events ['exception']
cancelled by a time-out: status UNSET, events []
SystemExit(1): status UNSET, events []
success: status UNSET, events []
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
