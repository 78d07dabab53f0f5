#!/usr/bin/env bash
# dateutil's HOURLY rule fires twice at one instant in spring and leaves out an hour in autumn
#
# Version: python-dateutil 4.0.0, tzdata 2026.6
# Guess:   FREQ=HOURLY with an aware start is an hour apart each time: like cron it goes over the
#          gap and runs through both halves of the repeated hour.
# Seen:    The rule counts on the wall clock and attaches the zone afterwards. In March 02:00
#          (which does not exist) and 03:00 are the same instant, so two occurrences are 0
#          seconds apart; in November 01:00 occurs once and the next occurrence is two hours
#          later. croniter, given the same hours, keeps one hour.
# Source:  dateutil, dateutil/rrule.py, _iter (naive arithmetic, then datetime.combine with
#          self._tzinfo)
# Matters: Recurring work that is stored as an RRULE (calendars, schedulers) is enqueued twice
#          under two different occurrence times, so a key made from the time does not catch it;
#          and an hourly check has a hole of two hours.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    python-dateutil==4.0.0 croniter==7.0.0 tzdata==2026.6

cat >"$work/probe.py" <<'PY'
from datetime import datetime, timezone
from importlib.metadata import version
from zoneinfo import ZoneInfo

from croniter import croniter
from dateutil.rrule import HOURLY, rrule

ZONE = ZoneInfo("America/New_York")
print("python-dateutil", version("python-dateutil"))
for label, start in (("spring", datetime(2026, 3, 8, 0, tzinfo=ZONE)), ("autumn", datetime(2026, 11, 1, 0, tzinfo=ZONE))):
    by_rule = list(rrule(HOURLY, dtstart=start, count=5))
    cron = croniter("0 * * * *", start, ret_type=datetime)
    by_cron = [start] + [cron.get_next() for _ in range(4)]
    for name, times in (("rrule", by_rule), ("croniter", by_cron)):
        utc = [time.astimezone(timezone.utc) for time in times]
        steps = [int((later - earlier).total_seconds() / 60) for earlier, later in zip(utc, utc[1:])]
        print(label, name, [f"{time:%H:%M%z}" for time in times], "minutes between:", steps)
PY

cat >"$work/seen" <<'TXT'
python-dateutil 4.0.0
spring rrule ['00:00-0500', '01:00-0500', '02:00-0500', '03:00-0400', '04:00-0400'] minutes between: [60, 60, 0, 60]
spring croniter ['00:00-0500', '01:00-0500', '03:00-0400', '04:00-0400', '05:00-0400'] minutes between: [60, 60, 60, 60]
autumn rrule ['00:00-0400', '01:00-0400', '02:00-0500', '03:00-0500', '04:00-0500'] minutes between: [60, 120, 60, 60]
autumn croniter ['00:00-0400', '01:00-0400', '01:00-0500', '02:00-0500', '03:00-0500'] minutes between: [60, 60, 60, 60]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
