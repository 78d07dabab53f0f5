#!/usr/bin/env bash
# prometheus_client decides at its import whether metrics of several processes are shared
#
# Version: prometheus-client 0.26.0
# Guess:   PROMETHEUS_MULTIPROC_DIR counts when the first metric is made or when the collector is
#          built; a collector on a directory without metrics complains.
# Seen:    The variable is looked at when prometheus_client is imported. Set afterwards, it is
#          used by MultiProcessCollector but not by the counters: the directory stays empty and
#          the export is empty text with status 200, without a warning.
# Source:  prometheus-client, prometheus_client/values.py, get_value_class and ValueClass =
#          get_value_class() at module level
# Matters: Workers import their libraries before they read their configuration (Celery's prefork
#          children, a CLI). The scrape succeeds and shows nothing, and alerts on absent values
#          never fire for what was never there.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    prometheus-client==0.26.0

cat >"$work/probe.py" <<'PY'
import subprocess
import sys
import tempfile
from importlib.metadata import version

PROGRAM = """
import os, sys
if sys.argv[1] == "before": os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[2]
from prometheus_client import CollectorRegistry, Counter, generate_latest, multiprocess
if sys.argv[1] == "after": os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[2]
Counter("cases", "closed cases").inc()
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
print(f"set {sys.argv[1]} the import: files {len(os.listdir(sys.argv[2]))}, exported {lines}")
"""
print("prometheus-client", version("prometheus-client"), flush=True)
for moment in ("before", "after"):
    subprocess.run([sys.executable, "-c", PROGRAM, moment, tempfile.mkdtemp(dir=".")], check=True)
PY

cat >"$work/seen" <<'TXT'
prometheus-client 0.26.0
set before the import: files 1, exported ['cases_total 1.0']
set after the import: files 0, exported []
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
