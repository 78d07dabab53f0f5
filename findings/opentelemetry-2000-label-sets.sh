#!/usr/bin/env bash
# The 2001st set of attributes of an OpenTelemetry counter is counted under otel.metric.overflow
#
# Version: opentelemetry-sdk 1.45.2
# Guess:   Like the Prometheus client, the SDK keeps a series for each set of attributes, and
#          memory is the only limit.
# Seen:    After 2000 sets per instrument new ones are summed into one series
#          {otel.metric.overflow: True}, without a log line. Known sets count on; which case
#          types are visible depends on who came first.
# Source:  OpenTelemetry specification, Metrics SDK, "Cardinality limits"; opentelemetry-sdk,
#          sdk/metrics/_internal/_view_instrument_match.py
# Matters: A counter per queue, agent and case type passes 2000 within a day. New queues never
#          show up on the dashboard until a restart, which makes the old ones vanish instead.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    opentelemetry-sdk==1.45.2

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

print("opentelemetry-sdk", version("opentelemetry-sdk"))
reader = InMemoryMetricReader()
counter = MeterProvider([reader]).get_meter("probe").create_counter("cases")
for number in range(2500):
    counter.add(1, {"queue": f"q{number}"})
counter.add(1, {"queue": "q7"})
points = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
by_queue = {point.attributes.get("queue", "overflow"): point for point in points}
print("series:", len(points))
print("q7:", by_queue["q7"].value, "q2400 present:", "q2400" in by_queue)
print("the rest:", dict(by_queue["overflow"].attributes), by_queue["overflow"].value)
PY

cat >"$work/seen" <<'TXT'
opentelemetry-sdk 1.45.2
series: 2001
q7: 2 q2400 present: False
the rest: {'otel.metric.overflow': True} 500
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
