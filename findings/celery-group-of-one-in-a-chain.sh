#!/usr/bin/env bash
# A Celery group of one task passes a list at the head of a chain and a bare value in its middle
#
# Version: celery 5.6.3
# Guess:   The task after a group is a chord callback and gets the list of the group's results,
#          however long the group is and wherever it stands.
# Seen:    group(one) | total gives total a list. start | group(one) | total gives it the bare
#          result: inside a chain a group of one is unrolled into its task. A group of two gives
#          a list in both places.
# Source:  celery, celery/canvas.py, _chain.prepare_steps and maybe_unroll_group
# Matters: Fan-out over what an agent found has one item now and then. The callback that sums or
#          counts a list gets an int (or iterates over a str) only in those runs.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    celery==5.6.3

cat >"$work/probe.py" <<'PY'
import celery
from celery import Celery, group

app = Celery()
app.conf.task_always_eager = True


@app.task
def start():
    return 7


@app.task
def part(value=7):
    return value


@app.task
def total(results):
    return f"total() got {results!r}"


print("celery", celery.__version__)
for size in (1, 2):
    fan_out = group([part.s()] * size)
    print(f"group of {size} at the head:  ", (fan_out | total.s()).apply().get())
    print(f"group of {size} in the middle:", (start.s() | fan_out | total.s()).apply().get())
PY

cat >"$work/seen" <<'TXT'
celery 5.6.3
group of 1 at the head:   total() got [7]
group of 1 in the middle: total() got 7
group of 2 at the head:   total() got [7, 7]
group of 2 in the middle: total() got [7, 7]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
