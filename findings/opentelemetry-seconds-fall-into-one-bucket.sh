#!/usr/bin/env bash
# An OpenTelemetry histogram of seconds puts everything between 20 milliseconds and five seconds
# into one bucket
#
# Version: opentelemetry-sdk 1.45.2, prometheus-client 0.26.0
# Guess:   unit="s" tells the SDK what it measures, and its buckets suit durations as those of
#          prometheus_client do; the semantic conventions ask for seconds.
# Seen:    The default bounds are 0, 5, 10, 25 ... 10000 whatever the unit: made for milliseconds.
#          0.02, 0.4, 1.5 and 4.9 seconds are all in the bucket up to 5. prometheus_client has ten
#          bounds below five seconds, but its last one is 10 seconds: two minutes and an hour are
#          the same to it.
# Source:  opentelemetry-python, issue 4527 "Update default values for explicit histogram bucket
#          boundaries to better handle seconds"; opentelemetry-specification, issue 3525
# Matters: The 95th percentile computed from such a histogram is 4.75 seconds, be the jobs done in
#          twenty milliseconds or in four seconds. A service that has become a hundred times slower
#          shows a flat line.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    opentelemetry-sdk==1.45.2 prometheus-client==0.26.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

import prometheus_client
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader


def by_opentelemetry(durations):
    reader = InMemoryMetricReader()
    meter = MeterProvider(metric_readers=[reader]).get_meter("probe")
    histogram = meter.create_histogram("job.duration", unit="s")
    for seconds in durations:
        histogram.record(seconds)
    (metric,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    (point,) = metric.data.data_points
    bounds = [*point.explicit_bounds, float("inf")]
    return {bound: count for bound, count in zip(bounds, point.bucket_counts) if count}


def by_prometheus(durations):
    histogram = prometheus_client.Histogram("job_duration_seconds", "", registry=None)
    for seconds in durations:
        histogram.observe(seconds)
    found, before = {}, 0
    for sample in histogram.collect()[0].samples:
        if sample.name.endswith("_bucket"):
            if sample.value > before:
                found[float(sample.labels["le"])] = int(sample.value - before)
            before = sample.value
    return found


print("opentelemetry-sdk", version("opentelemetry-sdk"), "prometheus-client", version("prometheus-client"))
for name, durations in (("fast and slow", (0.02, 0.4, 1.5, 4.9)), ("long", (30, 120, 3600))):
    print(f"{name}, {durations} as counts by upper bound:")
    print("  opentelemetry:", by_opentelemetry(durations))
    print("  prometheus_client:", by_prometheus(durations))
PY

cat >"$work/seen" <<'TXT'
opentelemetry-sdk 1.45.2 prometheus-client 0.26.0
fast and slow, (0.02, 0.4, 1.5, 4.9) as counts by upper bound:
  opentelemetry: {5.0: 4}
  prometheus_client: {0.025: 1, 0.5: 1, 2.5: 1, 5.0: 1}
long, (30, 120, 3600) as counts by upper bound:
  opentelemetry: {50.0: 1, 250.0: 1, 5000.0: 1}
  prometheus_client: {inf: 3}
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
