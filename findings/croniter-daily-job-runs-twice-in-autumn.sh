#!/usr/bin/env bash
# croniter runs the daily job of 02:30 twice in the night in which the clocks go back
#
# Version: croniter 7.0.0, cronsim 2.8, Python 3.11
# Guess:   "30 2 * * *" is once a day, each day: cron(8) does not repeat a job of a fixed time when
#          the hour is repeated, and in spring, when 02:30 does not exist, runs it soon after.
# Seen:    In spring both run it at 03:00. In autumn croniter gives 02:30 summer time and, an hour
#          later, 02:30 winter time. cronsim, which is given the same zone, runs it once. An
#          expression for each half hour runs through both hours in both.
# Source:  cronsim README, "DST Transitions" (Debian's cron treats jobs with a granularity above an
#          hour specially); croniter seen by running
# Matters: The night run of invoices or reminders is at half past two for many. A scheduler that
#          asks croniter for the next time in the company's zone starts it twice that night, with
#          two different times, so a key made of the time does not stop it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    croniter==7.0.0 cronsim==2.8

cat >"$work/probe.py" <<'PY'
from datetime import datetime
from importlib.metadata import version
from itertools import islice
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim

BERLIN = ZoneInfo("Europe/Berlin")


def by_croniter(expression, start):
    return croniter(expression, start).all_next(datetime)


print("croniter", version("croniter"), "and cronsim", version("cronsim"))
for name, day in (("spring", datetime(2026, 3, 29, tzinfo=BERLIN)), ("autumn", datetime(2026, 10, 25, tzinfo=BERLIN))):
    print(f"{name}, 30 2 * * *")
    for library, read in (("croniter", by_croniter), ("cronsim ", CronSim)):
        runs = [f"{run:%d %b %H:%M%z}" for run in islice(read("30 2 * * *", day), 3)]
        print(f"  {library}:", ", ".join(runs))
print("autumn, */30 2 * * *")
for library, read in (("croniter", by_croniter), ("cronsim ", CronSim)):
    runs = [f"{run:%d %b %H:%M%z}" for run in islice(read("*/30 2 * * *", day), 4)]
    print(f"  {library}:", ", ".join(runs))
PY

cat >"$work/seen" <<'TXT'
croniter 7.0.0 and cronsim 2.8
spring, 30 2 * * *
  croniter: 29 Mar 03:00+0200, 30 Mar 02:30+0200, 31 Mar 02:30+0200
  cronsim : 29 Mar 03:00+0200, 30 Mar 02:30+0200, 31 Mar 02:30+0200
autumn, 30 2 * * *
  croniter: 25 Oct 02:30+0200, 25 Oct 02:30+0100, 26 Oct 02:30+0100
  cronsim : 25 Oct 02:30+0200, 26 Oct 02:30+0100, 27 Oct 02:30+0100
autumn, */30 2 * * *
  croniter: 25 Oct 02:00+0200, 25 Oct 02:30+0200, 25 Oct 02:00+0100, 25 Oct 02:30+0100
  cronsim : 25 Oct 02:00+0200, 25 Oct 02:30+0200, 25 Oct 02:00+0100, 25 Oct 02:30+0100
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
