#!/usr/bin/env bash
# A cron expression of six fields is Monday at nine for cronsim, and the ninth of the month for
# croniter
#
# Version: croniter 7.0.0, cronsim 2.8
# Guess:   An optional sixth field holds the seconds and comes first, as in Quartz; a library that
#          reads it in another way fails for most expressions, so one notices.
# Seen:    croniter takes the last field for the seconds (second_at_beginning=True changes that):
#          "0 0 9 * * 1" is one second past midnight on the ninth of each month, and "*/10 * * * *
#          *" fires each second of every tenth minute. cronsim reads the first field as seconds:
#          Monday at nine, and every ten seconds. Only values that do not fit the field, as in "0
#          30 9 * * 1-5", raise.
# Source:  croniter README, "About second repeats"; cronsim README, table of the differences
#          ("Seconds in the 6th field")
# Matters: The same text goes from a dashboard or a Java service to a Python worker (procrastinate
#          and SAQ read it with croniter). The weekly run takes place once a month at midnight, and
#          the poll that should come six times a minute comes sixty times in a minute, then pauses
#          for nine.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    croniter==7.0.0 cronsim==2.8

cat >"$work/probe.py" <<'PY'
from datetime import datetime, timedelta
from importlib.metadata import version

from croniter import croniter
from cronsim import CronSim

START = datetime(2026, 3, 1, 23, 59, 55)


def by_croniter(expression):
    runs = croniter(expression, START)
    return [runs.get_next(datetime) for _ in range(2)]


def by_cronsim(expression):
    runs = CronSim(expression, START)
    return [next(runs) for _ in range(2)]


print("croniter", version("croniter"), "and cronsim", version("cronsim"))
for expression in ("0 0 9 * * 1", "*/10 * * * * *", "0 30 9 * * 1-5"):
    print(expression)
    for name, read in (("croniter", by_croniter), ("cronsim ", by_cronsim)):
        try:
            print(f"  {name}:", ", ".join(f"{run:%a %d %b %H:%M:%S}" for run in read(expression)))
        except ValueError as error:
            print(f"  {name}:", type(error).__name__)
PY

cat >"$work/seen" <<'TXT'
croniter 7.0.0 and cronsim 2.8
0 0 9 * * 1
  croniter: Mon 09 Mar 00:00:01, Thu 09 Apr 00:00:01
  cronsim : Mon 02 Mar 09:00:00, Mon 09 Mar 09:00:00
*/10 * * * * *
  croniter: Mon 02 Mar 00:00:00, Mon 02 Mar 00:00:01
  cronsim : Mon 02 Mar 00:00:00, Mon 02 Mar 00:00:10
0 30 9 * * 1-5
  croniter: CroniterBadCronError
  cronsim : Mon 02 Mar 09:30:00, Tue 03 Mar 09:30:00
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
