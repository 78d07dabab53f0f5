#!/usr/bin/env bash
# DBOS.send() to a finished workflow succeeds and the message is never read
#
# Version: dbos 3.4.0 (SQLite system database)
# Guess:   send() checks its destination: it raises for a workflow id that does not exist, so it
#          raises for a workflow that has ended too, or tells the sender in some way.
# Seen:    An unknown id raises DBOSNonExistentWorkflowError. A workflow whose recv() has timed
#          out (it returned None) and which is SUCCESS takes the message without a word.
# Source:  dbos, dbos/_sys_db.py, send_bulk_with_connection (a foreign key on the workflow is the
#          only check)
# Matters: send() is how a person's answer reaches a waiting workflow. The answer that comes a
#          minute after the deadline is confirmed to the person and lost, unless the status is
#          read as well.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    dbos==3.4.0

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from dbos import DBOS, SetWorkflowID

DBOS(
    config={
        "name": "probe",
        "system_database_url": "sqlite:///dbos.sqlite",
        "run_admin_server": False,
        "log_level": "CRITICAL",
    }
)


@DBOS.workflow()
def ask():
    return DBOS.recv("answer", timeout_seconds=0.2)


DBOS.launch()
print("dbos", version("dbos"))
with SetWorkflowID("question"):
    print("recv() after the deadline:", ask())
print("status:", DBOS.retrieve_workflow("question").get_status().status)
for destination in ("question", "no such workflow"):
    try:
        print(f"send() to {destination!r}:", DBOS.send(destination, "yes", "answer"))
    except Exception as error:
        print(f"send() to {destination!r}:", type(error).__name__)
DBOS.destroy()
PY

cat >"$work/seen" <<'TXT'
dbos 3.4.0
recv() after the deadline: None
status: SUCCESS
send() to 'question': None
send() to 'no such workflow': DBOSNonExistentWorkflowError
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
