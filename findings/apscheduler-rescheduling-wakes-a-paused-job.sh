#!/usr/bin/env bash
# Changing the schedule of a paused APScheduler job starts it again
#
# Version: APScheduler 3.11.3
# Guess:   Paused is a state of its own: reschedule_job() stores the new trigger and the job
#          stays paused until resume_job().
# Seen:    A job is paused by next_run_time = None, and reschedule_job() computes a
#          next_run_time. modify_job() of other fields leaves the job paused.
# Source:  APScheduler, apscheduler/schedulers/base.py, pause_job and reschedule_job
# Matters: An operator pauses a job because it does harm, a second one corrects its interval in
#          the admin page: it runs again, and nobody resumed it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    APScheduler==3.11.3

cat >"$work/probe.py" <<'PY'
from importlib.metadata import version

from apscheduler.schedulers.background import BackgroundScheduler

print("APScheduler", version("APScheduler"))
scheduler = BackgroundScheduler(timezone="UTC")
scheduler.start(paused=True)
scheduler.add_job(print, "interval", hours=1, id="mail")
for label, change in (
    ("pause_job", lambda: scheduler.pause_job("mail")),
    ("modify_job(max_instances=2)", lambda: scheduler.modify_job("mail", max_instances=2)),
    ("reschedule_job(hours=24)", lambda: scheduler.reschedule_job("mail", trigger="interval", hours=24)),
):
    change()
    due = scheduler.get_job("mail").next_run_time
    print(f"after {label}: {'paused' if due is None else 'will run'}")
scheduler.shutdown()
PY

cat >"$work/seen" <<'TXT'
APScheduler 3.11.3
after pause_job: paused
after modify_job(max_instances=2): paused
after reschedule_job(hours=24): will run
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
