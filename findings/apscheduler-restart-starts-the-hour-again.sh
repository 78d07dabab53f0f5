#!/usr/bin/env bash
# An hourly APScheduler job never runs in a service that restarts every 50 minutes, though its
# store is persistent
#
# Version: APScheduler 3.11.3, SQLAlchemy 2.1.9
# Guess:   A persistent job store keeps next_run_time; add_job(..., replace_existing=True) at
#          start, as the documentation advises, updates the definition and leaves the due time.
# Seen:    replace_existing computes a new next_run_time from now: each start moves the run a
#          full interval ahead. Without the add_job call the due time survives a restart.
# Source:  APScheduler, issue 696 "job next_run_time updated when restart";
#          apscheduler/schedulers/base.py, _real_add_job
# Matters: Sweeps, escalations and reports on an interval are postponed by each deployment.
#          Nothing is logged as missed, since nothing was due.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    APScheduler==3.11.3 SQLAlchemy==2.1.9

cat >"$work/probe.py" <<'PY'
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger


def start(add):
    scheduler = BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore("sqlite:///jobs.db")}, timezone="UTC")
    scheduler.start(paused=True)
    if add:
        scheduler.add_job(print, IntervalTrigger(hours=1), id="sweep", replace_existing=True)
    return scheduler


print("APScheduler", version("APScheduler"))
scheduler = start(add=True)
nearly_due = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(minutes=10)
scheduler.modify_job("sweep", next_run_time=nearly_due)  # as it is 50 minutes later
scheduler.shutdown()
for add in (False, True):
    scheduler = start(add)
    ahead = scheduler.get_job("sweep").next_run_time - nearly_due
    print(f"restart, add_job(replace_existing=True) {add}: moved by {round(ahead.total_seconds() / 60)} minutes")
    scheduler.shutdown()
PY

cat >"$work/seen" <<'TXT'
APScheduler 3.11.3
restart, add_job(replace_existing=True) False: moved by 0 minutes
restart, add_job(replace_existing=True) True: moved by 50 minutes
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
