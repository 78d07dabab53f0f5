#!/usr/bin/env bash
# A DBOS job without a priority overtakes one of priority 1; in Huey and procrastinate it comes
# last
#
# Version: dbos 3.4.0 (SQLite), huey 3.5.4, procrastinate 3.10.0
# Guess:   A job to which nobody gave a priority is ordinary: behind those that were marked as
#          urgent, whichever end of the scale is the urgent one.
# Seen:    In DBOS the smallest number is first and "none" counts as 0, ahead of every number
#          that may be given (1 and up): none, 1, 5, 9. Huey and procrastinate run 9, 5, 1, none.
# Source:  dbos, dbos/_sys_db.py (workflows of a queue are ordered by priority, ascending,
#          default 0); huey/storage.py, MemoryStorage.enqueue; procrastinate, the SQL function
#          that fetches a job (priority DESC)
# Matters: Marking some jobs as urgent pushes exactly those behind the unmarked rest; and moving
#          a queue turns the order round.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    dbos==3.4.0 huey==3.5.4 procrastinate==3.10.0

cat >"$work/probe.py" <<'PY'
import asyncio
import logging
import time
from importlib.metadata import version

import procrastinate
from dbos import DBOS, SetEnqueueOptions
from huey import MemoryHuey
from procrastinate.testing import InMemoryConnector

logging.disable(logging.CRITICAL)
PRIORITIES = (9, 1, None, 5)


def by_huey():
    huey, order = MemoryHuey(), []

    @huey.task()
    def job(priority_given):
        order.append(priority_given)

    for number in PRIORITIES:
        job(number, **({} if number is None else {"priority": number}))
    while task := huey.dequeue():
        huey.execute(task)
    return order


async def by_procrastinate():
    app, order = procrastinate.App(connector=InMemoryConnector()), []

    @app.task(name="job")
    async def job(number):
        order.append(number)

    async with app.open_async():
        for number in PRIORITIES:
            await job.configure(**({} if number is None else {"priority": number})).defer_async(number=number)
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False, concurrency=1)
    return order


dbos_order = []


@DBOS.workflow()
def occupy():
    time.sleep(3)


@DBOS.workflow()
def dbos_job(number):
    dbos_order.append(number)


def by_dbos():
    DBOS(config={"name": "probe", "system_database_url": "sqlite:///dbos.sqlite", "run_admin_server": False})
    DBOS.launch()
    DBOS.register_queue("jobs", global_concurrency=1)
    handles = [DBOS.enqueue_workflow("jobs", occupy)]
    for number in PRIORITIES:
        if number is None:
            handles.append(DBOS.enqueue_workflow("jobs", dbos_job, number))
        else:
            with SetEnqueueOptions(priority=number):
                handles.append(DBOS.enqueue_workflow("jobs", dbos_job, number))
    for handle in handles:
        handle.get_result()
    DBOS.destroy()
    return dbos_order


print("huey", version("huey"), by_huey())
print("procrastinate", version("procrastinate"), asyncio.run(by_procrastinate()))
print("dbos", version("dbos"), by_dbos())
PY

cat >"$work/seen" <<'TXT'
huey 3.5.4 [9, 5, 1, None]
procrastinate 3.10.0 [9, 5, 1, None]
dbos 3.4.0 [None, 1, 5, 9]
TXT

cd "$work"
venv/bin/python probe.py >now 2>log || { cat now log; exit 1; }
cat now
diff seen now || { echo "the behaviour has changed"; exit 1; }
