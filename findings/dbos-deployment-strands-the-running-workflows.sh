#!/usr/bin/env bash
# DBOS does not resume a workflow after a deployment that changed any workflow's text
#
# Version: dbos 3.4.0 (SQLite system database)
# Guess:   Durable execution: what was PENDING when the process died is resumed by the next process
#          that has a workflow of that name, or the mismatch is reported.
# Seen:    Recovery takes workflows of its own application version only, and the version is
#          computed from the source of the workflows. The process that starts with the same text
#          finishes the workflow; one in which another workflow got a different constant leaves it
#          open, and two jobs on a queue as well, beside which it idles. A fixed
#          application_version in the configuration prevents it.
# Source:  DBOS documentation, "Self-Hosting DBOS Apps" (a restarted process recovers its pending
#          workflows) and "Upgrading Workflow Code" (versioning); seen by running
# Matters: The case that restarts are about is the deployment. Each one leaves what was running and
#          waiting behind, for good, if no process of the old version is kept; nothing fails and
#          nobody is told.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    dbos==3.4.0

cat >"$work/service.py" <<'PY'
import logging
import os
import sys
import time

from dbos import DBOS

logging.disable(logging.CRITICAL)
PART = sys.argv[1]


@DBOS.workflow()
def refund(order):
    DBOS.sleep(1)
    return f"order {order} refunded"


@DBOS.workflow()
def report():
    return "REPORT"


DBOS(config={"name": "probe", "system_database_url": "sqlite:///dbos.sqlite", "run_admin_server": False})
DBOS.launch()
DBOS.register_queue("refunds", global_concurrency=1)
if PART == "starts":
    DBOS.start_workflow(refund, 7)
    DBOS.enqueue_workflow("refunds", refund, 8)
    DBOS.enqueue_workflow("refunds", refund, 9)
    time.sleep(0.3)
    os._exit(0)  # as a container that is replaced
time.sleep(6)
ended = {workflow.input["args"][0]: workflow.status == "SUCCESS" for workflow in DBOS.list_workflows()}
print("  orders refunded:", sorted(order for order in ended if ended[order]), end=", ")
print("still open:", sorted(order for order in ended if not ended[order]))
DBOS.destroy()
PY

cat >"$work/probe.py" <<'PY'
import pathlib
import subprocess
import sys
from importlib.metadata import version

text = pathlib.Path("service.py").read_text()
pathlib.Path("changed.py").write_text(text.replace("REPORT", "REPORT, WITH TOTALS"))
print("dbos", version("dbos"))
for program in ("service.py", "changed.py"):
    for file in pathlib.Path().glob("dbos.sqlite*"):
        file.unlink()
    subprocess.run([sys.executable, "service.py", "starts"], check=True)
    print("restarted with", "the same text" if program == "service.py" else "another report", flush=True)
    subprocess.run([sys.executable, program, "goes on"], check=True)
PY

cat >"$work/seen" <<'TXT'
dbos 3.4.0
restarted with the same text
  orders refunded: [7, 8, 9], still open: []
restarted with another report
  orders refunded: [], still open: [7, 8, 9]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
