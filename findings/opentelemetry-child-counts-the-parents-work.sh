#!/usr/bin/env bash
# A forked worker exports what its parent counted as its own: OpenTelemetry's and Prometheus' sums
# count it again
#
# Version: opentelemetry-sdk 1.45.2, prometheus-client 0.26.0
# Guess:   After os.fork() the SDK starts its exporter thread again in the child, so it knows of
#          forks: the child's counters start from zero, or it is refused.
# Seen:    The child goes on from the parent's number. Ten jobs counted before the fork, and one in
#          each of three children, are 13 jobs; the cumulative sums of the four processes are 10,
#          11, 11 and 11, together 43. prometheus_client does the same.
# Source:  opentelemetry-sdk, opentelemetry/sdk/metrics/_internal/export,
#          PeriodicExportingMetricReader (its thread is started again after a fork; the
#          aggregations are kept); seen by running
# Matters: Celery's prefork pool and gunicorn's preload fork after the application has been loaded.
#          What the parent counted until then is reported once more by each child, and by each
#          child that replaces one: the total rises with every restart of a worker.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    opentelemetry-sdk==1.45.2 prometheus-client==0.26.0

cat >"$work/probe.py" <<'PY'
import os
from importlib.metadata import version

import prometheus_client
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

reader = InMemoryMetricReader()
jobs = MeterProvider(metric_readers=[reader]).get_meter("probe").create_counter("jobs")
same = prometheus_client.Counter("jobs", "The same with prometheus_client.")


def sums():
    (metric,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    return metric.data.data_points[0].value, int(same.collect()[0].samples[0].value)


def count(number):
    jobs.add(number)
    same.inc(number)


def in_child():
    read, write = os.pipe()
    if os.fork() == 0:
        count(1)
        os.write(write, ",".join(map(str, sums())).encode())
        os._exit(0)
    os.wait()
    return tuple(int(number) for number in os.read(read, 100).split(b","))


print("opentelemetry-sdk", version("opentelemetry-sdk"), "prometheus-client", version("prometheus-client"))
count(10)
processes = [in_child() for _ in range(3)] + [sums()]
for name, numbers in zip(("opentelemetry", "prometheus_client"), zip(*processes)):
    print(f"{name}: children {numbers[:3]}, parent {numbers[3]}, together {sum(numbers)}; jobs done: 13")
PY

cat >"$work/seen" <<'TXT'
opentelemetry-sdk 1.45.2 prometheus-client 0.26.0
opentelemetry: children (11, 11, 11), parent 10, together 43; jobs done: 13
prometheus_client: children (11, 11, 11), parent 10, together 43; jobs done: 13
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
