#!/usr/bin/env bash
# APScheduler's from_crontab() reads weekday 1 as Tuesday
#
# Version: APScheduler 3.11.3 beside croniter 7.0.0
# Guess:   A method that is called from_crontab() reads "0 9 * * 1" as cron does: Monday. And 7
#          is Sunday.
# Seen:    Weekday numbers count from Monday = 0: 1 is a Tuesday, "1-5" is Tuesday to Saturday, 0
#          is a Monday, 7 raises ValueError. Names (mon-fri) are read as cron reads them.
# Source:  APScheduler API reference, apscheduler.triggers.cron, CronTrigger.from_crontab and
#          day_of_week ("0-6 or mon...")
# Matters: "Working days at nine" for reminders and escalations moves to Tuesday to Saturday:
#          nobody is reminded on a Monday and the queue escalates on a Saturday.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    APScheduler==3.11.3 croniter==7.0.0 tzdata==2026.6

cat >"$work/probe.py" <<'PY'
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter

WEEK = [datetime(2026, 3, 2, 9, tzinfo=timezone.utc) + timedelta(days=number) for number in range(7)]
print("APScheduler", version("APScheduler"))
for expression in ("0 9 * * 1", "0 9 * * 1-5", "0 9 * * 0", "0 9 * * mon-fri", "0 9 * * 7"):
    cron = [f"{day:%a}" for day in WEEK if croniter.match(expression, day)]
    try:
        trigger = CronTrigger.from_crontab(expression, timezone="UTC")
        here = [f"{day:%a}" for day in WEEK if trigger.get_next_fire_time(None, day) == day]
    except ValueError:
        here = "ValueError"
    print(expression, "cron:", cron, "APScheduler:", here)
PY

cat >"$work/seen" <<'TXT'
APScheduler 3.11.3
0 9 * * 1 cron: ['Mon'] APScheduler: ['Tue']
0 9 * * 1-5 cron: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'] APScheduler: ['Tue', 'Wed', 'Thu', 'Fri', 'Sat']
0 9 * * 0 cron: ['Sun'] APScheduler: ['Mon']
0 9 * * mon-fri cron: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'] APScheduler: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri']
0 9 * * 7 cron: ['Sun'] APScheduler: ValueError
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
