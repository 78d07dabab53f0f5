#!/usr/bin/env bash
# A Huey task that finds its lock taken is gone, although nobody has run it
#
# Version: huey 3.5.4
# Guess:   @huey.lock_task("account") lets the tasks of an account run one after the other: a
#          second one waits, or goes back to the queue.
# Seen:    The task fails with TaskLockedException before its body. It has left the queue, and the
#          default is no retries: it does not run later. With retries=2 it uses its retries up
#          against the lock and is gone as well, if the other one takes longer than they do.
# Source:  Huey documentation, API, Huey.lock_task (TaskLockedException if the lock cannot be
#          acquired; the task is not executed); huey/api.py, TaskLock.__enter__
# Matters: Two payments for one account at a time are what the lock is for, and one of them is then
#          not made. In the log it looks like a failure of the task.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    huey==3.5.4

cat >"$work/probe.py" <<'PY'
import logging
from importlib.metadata import version

from huey import MemoryHuey
from huey.exceptions import TaskException

logging.disable(logging.CRITICAL)
print("huey", version("huey"))
for retries in (0, 2):
    huey, paid = MemoryHuey(), []

    @huey.task(retries=retries)
    @huey.lock_task("account")
    def pay(order):
        paid.append(order)

    def work():
        while task := huey.dequeue():
            huey.execute(task)

    result = pay(7)
    with huey.lock_task("account"):  # as another task of that account would hold it
        work()
    work()
    try:
        outcome = result.get()
    except TaskException as error:
        outcome = error
    print(f"retries={retries}: paid {paid}, in the queue {len(huey)}, result: {outcome}")
PY

cat >"$work/seen" <<'TXT'
huey 3.5.4
retries=0: paid [], in the queue 0, result: TaskLockedException('unable to acquire lock account')
retries=2: paid [], in the queue 0, result: TaskLockedException('unable to acquire lock account')
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
