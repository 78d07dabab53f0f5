#!/usr/bin/env bash
# "0 0 13 * 5" means 13th OR Friday in croniter and pycron, and Friday the 13th in Celery and
# APScheduler
#
# Version: croniter 7.0.0, celery 5.6.3, APScheduler 3.11.3, pycron 3.3.0
# Guess:   All follow cron(8): if both day fields are restricted, a day that fits either of them
#          fires.
# Seen:    croniter and pycron fire on every Friday and on every 13th. Celery's crontab and
#          APScheduler want both: after March 2026 the next run is eight months away.
# Source:  croniter, croniter/croniter.py, argument day_or; celery, celery/schedules.py, crontab;
#          APScheduler 3 User guide, "cron" (the time has to satisfy every field)
# Matters: A schedule moves between an operator's crontab, a dashboard that previews it with
#          croniter, and a beat that runs it with Celery. The preview shows runs that never come.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    croniter==7.0.0 celery==5.6.3 APScheduler==3.11.3 pycron==3.3.0 tzdata==2026.6

cat >"$work/probe.py" <<'PY'
from datetime import datetime, timedelta, timezone

import pycron
from apscheduler.triggers.cron import CronTrigger
from celery.schedules import crontab
from croniter import croniter

START = datetime(2026, 3, 1, tzinfo=timezone.utc)


def by_croniter():
    times = croniter("0 0 13 * 5", START, ret_type=datetime)
    return [times.get_next() for _ in range(3)]


def by_apscheduler():
    trigger, times, now = CronTrigger(minute=0, hour=0, day=13, day_of_week="fri", timezone="UTC"), [], START
    while len(times) < 3:
        times.append(trigger.get_next_fire_time(None, now))
        now = times[-1] + timedelta(seconds=1)
    return times


def by_celery():
    rule, times, now = crontab(minute="0", hour="0", day_of_month="13", day_of_week="5"), [], START
    rule.nowfun = lambda: now
    while len(times) < 3:
        last, wait, _ = rule.remaining_delta(now, tz=timezone.utc)
        now = last + wait
        times.append(now)
    return times


def by_pycron():
    days = (START + timedelta(days=number) for number in range(1000))
    return [day for day in days if pycron.is_now("0 0 13 * 5", day)][:3]


for name, find in (("croniter", by_croniter), ("pycron", by_pycron), ("celery", by_celery), ("APScheduler", by_apscheduler)):
    print(f"{name:12}", [f"{time:%a %d %b %Y}" for time in find()])
PY

cat >"$work/seen" <<'TXT'
croniter     ['Fri 06 Mar 2026', 'Fri 13 Mar 2026', 'Fri 20 Mar 2026']
pycron       ['Fri 06 Mar 2026', 'Fri 13 Mar 2026', 'Fri 20 Mar 2026']
celery       ['Fri 13 Mar 2026', 'Fri 13 Nov 2026', 'Fri 13 Aug 2027']
APScheduler  ['Fri 13 Mar 2026', 'Fri 13 Nov 2026', 'Fri 13 Aug 2027']
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
